"""``clinical-ner kpi``: the key figures of the whole system."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.options import DEFAULT_NAME, AsJson, ModelName, RegistryUri
from clinical_ner.clock import utc_now
from clinical_ner.documents import Document
from clinical_ner.feedback import load_corrections
from clinical_ner.kpi import (
    Figure,
    changed_share,
    hours_to_live,
    latency_p95,
    lead_times,
    minutes_per_note,
    reviewed_f1,
)
from clinical_ner.registry import Registry
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage

NO_DATA = "no data"
LogUri = Annotated[
    str,
    typer.Option(
        "--log-uri",
        help="Where the inference log lies: a path, file:// or s3://BUCKET/PREFIX. Empty: no latency.",
        default_factory=lambda: Settings().inference_log_uri,
        show_default="CLINICAL_NER_INFERENCE_LOG_URI",
    ),
]
MetricsTo = Annotated[
    str,
    typer.Option("--metrics-to", help="Send the figures there too: a Pushgateway's address, or a textfile collector's folder."),
]


def kpi(
    registry_uri: RegistryUri,
    log_uri: LogUri,
    name: ModelName = DEFAULT_NAME,
    version: Annotated[str, typer.Option("--version", help="Only what this version answered; all when left out.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Only notes and promotions of the last so many days.")] = 30,
    as_json: AsJson = False,
    metrics_to: MetricsTo = "",
) -> None:
    """Show how much annotators change, how long they take, F1 on what they read, latency, and hours from data to model.

    Each figure has its sample size and 95 % interval. Shares, times and F1 are of uniformly drawn review samples only.

    With --metrics-to it ends with status 1 when the figures could not be sent; they are shown all the same.

    Example: clinical-ner kpi --days 90
    """
    now = utc_now()
    figures = [
        *_review_figures(registry_uri, name, version, now - timedelta(days=days)),
        *_latency(log_uri, name, version, now - timedelta(days=days), now),
        _hours(registry_uri, name, now - timedelta(days=days)),
    ]
    if as_json:
        typer.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())
    else:
        Console().print(_table(figures))
    if metrics_to:
        _publish(figures, name, version, now, metrics_to)


def _publish(figures: Sequence[Figure], name: str, version: str, now: datetime, metrics_to: str) -> None:
    from clinical_ner.batch_metrics import publish  # Prometheus's client is not installed everywhere
    from clinical_ner.batch_metrics.key_figures import figure_series

    if not publish(figure_series(name, version, figures, now=now), metrics_to):
        raise typer.Exit(1)


def _review_figures(registry_uri: str, name: str, version: str, since: datetime) -> list[Figure]:
    corrections = [
        note
        for note in load_corrections(open_storage(registry_uri), name)
        if (not version or note.metadata.get("model_version") == version) and _time(note) >= since
    ]
    return [changed_share(corrections), minutes_per_note(corrections), reviewed_f1(corrections)]


def _latency(log_uri: str, name: str, version: str, start: datetime, end: datetime) -> list[Figure]:
    from clinical_ner.inference_log.reading import read_window  # pyarrow takes a while to import
    from clinical_ner.inference_log.schema import SCHEMA

    if not log_uri:
        return [latency_p95(SCHEMA.empty_table())]
    return [latency_p95(read_window(open_storage(log_uri), name, start, end, version or None, quarantine=False))]


def _hours(registry_uri: str, name: str, since: datetime) -> Figure:
    storage = open_storage(registry_uri)
    return hours_to_live([each for each in lead_times(Registry(storage), storage, name) if each.live_at >= since])


def _time(note: Document) -> datetime:
    """When the note was answered."""
    return datetime.fromisoformat(note.metadata["created_at"])


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("figure", Column("value", justify="right"), Column("95 % interval", justify="right"), "unit", "sample")
    for figure in figures:
        interval = f"{_number(figure.low)} to {_number(figure.high)}" if figure.value is not None else ""
        table.add_row(figure.name, _number(figure.value, NO_DATA), interval, Text(figure.unit), f"{figure.n:,} {figure.of}")
    return table


def _number(value: float | None, missing: str = "?") -> str:
    return missing if value is None else f"{value:.3g}"
