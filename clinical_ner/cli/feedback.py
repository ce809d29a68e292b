"""``clinical-ner feedback``: review samples out as annotation tasks, corrections back in."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.options import DEFAULT_NAME, AsJson, ModelName, RegistryUri
from clinical_ner.cli.written_files import write_private
from clinical_ner.clock import utc_now
from clinical_ner.corpora import FORMATS, LabelMap, read_corpus
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.feedback import add_corrections, dump_tasks, join_corrections, label_config, uncorrected, withdraw_tasks
from clinical_ner.review import ReviewSample, Stratum
from clinical_ner.review import store as samples_store
from clinical_ner.settings import Settings
from clinical_ner.storage import Storage, open_storage

app = typer.Typer(help="Send review samples to annotators and take their corrections back.", no_args_is_help=True)

SamplesUri = Annotated[
    str,
    typer.Option(
        "--samples-uri",
        help="Where the review samples lie: a path, file:// or s3://BUCKET/PREFIX.",
        default_factory=lambda: Settings().inference_log_uri,
        show_default="CLINICAL_NER_INFERENCE_LOG_URI",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many samples would be deleted.")]


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The tasks to write, JSON to import into Label Studio; holds note text.")],
    samples_uri: SamplesUri,
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    stratum: Annotated[str, typer.Option(help=f"Only this one: {' or '.join(Stratum)}.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the oldest first; 0: all.")] = 0,
    config_out: Annotated[
        Path | None, typer.Option(help="Write the labelling interface (XML) for the project as well.")
    ] = None,
) -> None:
    """Write the samples that nobody corrected yet as tasks, with the model's entities as pre-annotations.

    Example: clinical-ner feedback export --stratum uniform --limit 50 --out tasks.json --config-out labels.xml
    """
    reading = samples_store.read_samples(_open(samples_uri), name)
    for problem in reading.rejected:
        typer.echo(problem, err=True)
    waiting = uncorrected(reading.samples, open_storage(registry_uri), name)
    done = len(reading.samples) - len(waiting)
    chosen = _choose(waiting, stratum)[: limit or None]
    if not chosen:
        raise DataError(f"no samples to export: {len(reading.samples)} in the store, {done} notes corrected already")
    write_private("--out", out, dump_tasks(chosen))
    if config_out:
        write_private("--config-out", config_out, label_config(_labels(reading.samples)).encode())
    typer.echo(f"{len(chosen):,} tasks -> {out}")


@app.command()
def add(
    uri: Annotated[str, typer.Argument(help="What annotators gave back: a file or folder, or several, divided by commas.")],
    samples_uri: SamplesUri,
    registry_uri: RegistryUri,
    corpus_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(sorted(FORMATS))}.")] = "label-studio",
    name: ModelName = DEFAULT_NAME,
    replace: Annotated[bool, typer.Option("--replace", help="Let these take the place of earlier, other corrections.")] = False,
    skip_rejected: Annotated[
        bool, typer.Option("--skip-rejected", help="Add the rest when some are rejected; without it that is an error.")
    ] = False,
) -> None:
    """Add corrections to the model's dataset of corrections; a record id joins each with its sample.

    Rejected, and listed, is what answers no sample, has another text, is annotated twice or not finished.

    Example: clinical-ner feedback add project-7.json --skip-rejected
    """
    samples = samples_store.read_samples(_open(samples_uri), name).samples
    reading = read_corpus(uri, corpus_format, label_map=LabelMap(), max_note_bytes=Settings().max_note_bytes)
    joined = join_corrections(reading, samples)
    for problem in joined.problems:
        typer.echo(problem, err=True)
    if joined.rejected and not skip_rejected:
        raise DataError(f"rejected: {_counts(joined.rejected)}; correct them, or leave them out with --skip-rejected")
    added = add_corrections(open_storage(registry_uri), name, joined.corrections, replace=replace)
    typer.echo(
        f"{added.added:,} added, {added.replaced:,} replaced, {added.unchanged:,} unchanged, "
        f"{sum(joined.rejected.values()):,} rejected: {added.dataset.documents:,} corrections in {added.dataset.uri}"
    )


@app.command("list")
def list_samples(samples_uri: SamplesUri, as_json: AsJson = False) -> None:
    """List the days that have review samples, with their number; no text is shown.

    Example: clinical-ner feedback list --samples-uri s3://clinical-ner/production
    """
    days = samples_store.list_days(_open(samples_uri))
    if as_json:
        typer.echo(orjson.dumps([day._asdict() for day in days], option=orjson.OPT_INDENT_2).decode())
    elif days:
        Console().print(_days_table(days))
    else:
        typer.echo(f"no review samples in {samples_uri}")


@app.command()
def prune(
    older_than_days: Annotated[int, typer.Option("--older-than-days", min=0, help="Days (UTC) to keep, today not counted.")],
    samples_uri: SamplesUri,
    dry_run: DryRun = False,
) -> None:
    """Delete the review samples of older days; corrections that were added stay. What is deleted cannot be had back.

    Tasks that the monitoring pipeline exported go too; its next run makes them anew of what is left.

    Example: clinical-ner feedback prune --older-than-days 30
    """
    before = utc_now().date() - timedelta(days=older_than_days)
    storage = _open(samples_uri)
    count = samples_store.prune(storage, before, dry_run=dry_run)
    if not dry_run:
        withdraw_tasks(storage)
    typer.echo(f"{count:,} samples of days before {before} {'would be deleted' if dry_run else 'deleted'}")


@app.command()
def forget(
    record_id: Annotated[str, typer.Argument(help="The reply's record_id, 32 hex digits.")],
    samples_uri: SamplesUri,
    dry_run: DryRun = False,
) -> None:
    """Delete the review sample of one note. Corrections are in immutable datasets, and stay.

    Tasks that the monitoring pipeline exported go too; its next run makes them anew of what is left.

    Example: clinical-ner feedback forget 5f0c7d0e2c9b4b4e9d3f1f7b8a6c5d4e
    """
    storage = _open(samples_uri)
    count = samples_store.forget(storage, record_id, dry_run=dry_run)
    if not dry_run:
        withdraw_tasks(storage)
    typer.echo(f"{count:,} samples {'would be deleted' if dry_run else 'deleted'}")


def _open(uri: str) -> Storage:
    if not uri:
        raise ConfigError("which samples? give --samples-uri, or set CLINICAL_NER_INFERENCE_LOG_URI")
    return open_storage(uri)


def _choose(samples: Sequence[ReviewSample], stratum: str) -> list[ReviewSample]:
    if stratum and stratum not in set(Stratum):
        raise ConfigError(f"--stratum: {stratum!r} is not {' or '.join(Stratum)}")
    return [each for each in samples if not stratum or each.stratum == stratum]


def _labels(samples: Sequence[ReviewSample]) -> list[str]:
    labels = {entity.label for sample in samples for entity in sample.entities}
    return sorted(labels)


def _counts(rejected: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()))


def _days_table(days: Sequence[samples_store.SampleDay]) -> Table:
    table = Table("day (UTC)", "model", Column("samples", justify="right"))
    for day in days:
        table.add_row(day.day.isoformat(), Text(day.model), f"{day.samples:,}")
    return table
