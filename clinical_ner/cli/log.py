"""``clinical-ner log``: what the inference log holds, and deleting what is old."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.options import AsJson
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.retention import LogDay, list_days, prune
from clinical_ner.settings import Settings
from clinical_ner.storage import Storage, open_storage

app = typer.Typer(help="List and delete the inference log by day; it holds no note text.", no_args_is_help=True)

LogUri = Annotated[
    str,
    typer.Option(
        "--log-uri",
        help="Where the log lies: a path, file:// or s3://BUCKET/PREFIX.",
        default_factory=lambda: Settings().inference_log_uri,
        show_default="CLINICAL_NER_INFERENCE_LOG_URI",
    ),
]


@app.command("list")
def list_logged(log_uri: LogUri, as_json: AsJson = False) -> None:
    """List the days of the log, by model version, with their files, and those of its quarantine.

    Example: clinical-ner log list --log-uri s3://clinical-ner/production
    """
    days = list_days(_open(log_uri))
    if as_json:
        typer.echo(orjson.dumps([day._asdict() for day in days], option=orjson.OPT_INDENT_2).decode())
    elif days:
        Console().print(_days_table(days))
    else:
        typer.echo(f"no inference log in {log_uri}")


@app.command("prune")
def prune_logged(
    older_than_days: Annotated[int, typer.Option("--older-than-days", min=0, help="Days (UTC) to keep, today not counted.")],
    log_uri: LogUri,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many files would be deleted.")] = False,
) -> None:
    """Delete the files of older days, from the log and from its quarantine. What is deleted cannot be had back.

    Example: clinical-ner log prune --older-than-days 90
    """
    before = utc_now().date() - timedelta(days=older_than_days)
    count = prune(_open(log_uri), before, dry_run=dry_run)
    typer.echo(f"{count:,} files of days before {before} {'would be deleted' if dry_run else 'deleted'}")


def _open(uri: str) -> Storage:
    if not uri:
        raise ConfigError("which log? give --log-uri, or set CLINICAL_NER_INFERENCE_LOG_URI")
    return open_storage(uri)


def _days_table(days: Sequence[LogDay]) -> Table:
    table = Table("day (UTC)", "model", "version", Column("files", justify="right"))
    for day in days:
        model = Text("(quarantine)", style="bold red") if day.quarantined else Text(day.model)
        table.add_row(day.day.isoformat(), model, Text(day.version), f"{day.files:,}")
    return table
