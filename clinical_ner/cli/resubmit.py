"""``clinical-ner resubmit``: what the monitor submitted or proposed, and a person's answer to it."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.options import DEFAULT_NAME, Actor, AsJson, ModelName, Reason, RegistryUri
from clinical_ner.resubmit import ResubmitRules, Resubmitter
from clinical_ner.resubmit.opening import open_backend
from clinical_ner.resubmit.package_source import local_package
from clinical_ner.resubmit.records import Record
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage

app = typer.Typer(help="List resubmitted trainings and approve proposed ones.", no_args_is_help=True)

_SHORT_DIGITS = 12
_TIME = "%Y-%m-%d %H:%M"
_PACKAGE = "pipelines/compiled/clinical-ner-training.yaml"


Host = Annotated[
    str,
    typer.Option(
        help="KFP API endpoint; this machine when empty.",
        default_factory=lambda: Settings().kfp_host,
        show_default="CLINICAL_NER_KFP_HOST",
    ),
]


@app.command("list")
def list_resubmissions(registry_uri: RegistryUri, name: ModelName = DEFAULT_NAME, as_json: AsJson = False) -> None:
    """List resubmissions, oldest first, as the monitor last saw them.

    Example: clinical-ner resubmit list
    """
    records = RecordStore(open_storage(registry_uri), name).records()
    if as_json:
        typer.echo(orjson.dumps([_row(record) for record in records], option=orjson.OPT_INDENT_2).decode())
    elif records:
        Console().print(_table(records))
    else:
        typer.echo(f"no resubmissions of {name} in {registry_uri}")


@app.command()
def approve(  # noqa: PLR0913, PLR0917  # a command's options are its parameters
    resubmission: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id, as `list` shows it.")],
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Actor,
    host: Host,
    name: ModelName = DEFAULT_NAME,
    package: Annotated[str, typer.Option(help="Compiled training pipeline: a path or an s3:// URI.")] = _PACKAGE,
    namespace: Annotated[str, typer.Option(help="Profile of a multi-user Kubeflow; empty for a single-user one.")] = "",
    runs: Annotated[Path, typer.Option(help="Folder of runs on this machine.")] = Path("runs"),
    allow_file_uris: Annotated[bool, typer.Option(help="Pods see file:// URIs, on a shared volume.")] = False,
) -> None:
    """Submit a proposed or failed resubmission now, without waiting for the cool-down.

    Ends with status 1 when it is not submitted, and says why.

    Example: clinical-ner resubmit approve 3f2a --reason "the new site is real"
    """
    token = Settings().kfp_token.get_secret_value()
    compiled = local_package(package, runs / "packages")
    backend = open_backend(compiled, host=host, token=token, namespace=namespace, runs=runs, allow_file_uris=allow_file_uris)
    outcome = Resubmitter(registry_uri, name, backend, ResubmitRules(), actor).approve(resubmission, actor=actor, reason=reason)
    for alert in outcome.alerts:
        typer.echo(alert, err=True)
    if outcome.status != "submitted" or outcome.run is None:
        typer.echo(f"{outcome.status}: {outcome.reason}", err=True)
        raise typer.Exit(1)
    typer.echo(f"submitted: {outcome.run.link}")


def _row(record: Record) -> dict[str, object]:
    return {
        "id": record.cause.id,
        "action": record.cause.action,
        "state": record.state,
        "attempt": record.attempt,
        "time": record.time,
        "actor": record.steps[-1].actor,
        "reason": _reason(record),
        "champion": record.champion_version,
        "produced": record.produced,
        "dataset": record.cause.dataset_digest,
        "evidence": list(record.evidence),
        "run": record.run.link if record.run else "",
    }


def _reason(record: Record) -> str:
    """Why it was asked for, and how it ended when it failed."""
    asked, last = record.steps[0], record.steps[-1]
    return f"{asked.reason} Failed: {last.reason}" if last.state == "failed" else asked.reason


def _table(records: list[Record]) -> Table:
    # What is typed or copied stays whole on a narrow terminal.
    columns = [Column(name, no_wrap=True) for name in ("id", "action", "state")]
    table = Table(*columns, "time (UTC)", "reason", Column("run", overflow="fold"))
    for record in records:
        produced = f" ({record.produced})" if record.produced else ""
        table.add_row(
            record.cause.id[:_SHORT_DIGITS],
            record.cause.action,
            f"{record.state}{produced}",
            record.time.strftime(_TIME),
            Text(_reason(record)),
            Text(record.run.link if record.run else ""),
        )
    return table
