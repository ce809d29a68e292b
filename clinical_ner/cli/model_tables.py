"""Model versions as tables for people and as records for programs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Column, Table
from rich.text import Text

from clinical_ner.model_versions import ModelVersion
from clinical_ner.version_states import Change

_SHORT_DIGITS = 12
_TIME = "%Y-%m-%d %H:%M"
_FEATURE_GROUPS = "feature_groups"
_ABSENT = "-"


class Row(NamedTuple):
    """One line of a comparison; a side that lacks it holds ``-``."""

    section: str
    name: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        return self.first != self.second


def short_digest(digest: str) -> str:
    """The first 12 hex digits, by which people tell digests apart."""
    return digest.removeprefix("sha256:")[:_SHORT_DIGITS]


def metric_paths(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Every number in nested metrics by its path, such as ``strict.per_label.DISEASE.f1``."""
    numbers: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            numbers |= metric_paths(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[prefix + name] = value
    return numbers


def version_record(model: ModelVersion) -> dict[str, Any]:
    """What is known of a version, as JSON."""
    return {
        "name": model.name,
        "version": model.version,
        "state": model.state,
        "digest": model.digest,
        "created_at": model.created_at,
        "uri": model.uri,
        "labels": list(model.manifest.labels),
        "parameters": model.manifest.parameters,
        "datasets": model.manifest.datasets,
        "library_versions": model.manifest.library_versions,
        "metrics": model.metrics,
    }


def versions_table(models: Sequence[ModelVersion], metrics: Sequence[str]) -> Table:
    """One row a version, with a column for each of the metrics."""
    # On a narrow terminal times and metric names fold; what is typed or copied stays whole.
    names = (Column(name, no_wrap=True) for name in ("version", "state", "digest"))
    table = Table(*names, "created (UTC)", *(Column(metric, justify="right") for metric in metrics))
    for model in models:
        numbers = (_number(model.metric(metric)) for metric in metrics)
        created = model.created_at.strftime(_TIME)
        table.add_row(model.version, model.state, short_digest(model.digest), created, *numbers)
    return table


def details_table(model: ModelVersion) -> Table:
    """All fields of one version, by section."""
    table = Table("", "field", Column(model.version, overflow="fold"))
    rows = [("model", "state", model.state), ("model", "digest", model.digest), ("model", "uri", model.uri)]
    for section, name, value in [*rows, *_fields(model)]:
        table.add_row(section, Text(name), Text(value))
    return table


def history_table(changes: Sequence[Change]) -> Table:
    """One row a change of state, oldest first."""
    table = Table("state", "time (UTC)", "actor", "reason")
    for change in changes:
        table.add_row(change.state, change.time.strftime(_TIME), Text(change.actor), Text(change.reason))
    return table


def compare(first: ModelVersion, second: ModelVersion) -> list[Row]:
    """Labels, parameters, feature groups, datasets, library versions and metrics of two versions side by side."""
    left = {(section, name): value for section, name, value in _fields(first)}
    right = {(section, name): value for section, name, value in _fields(second)}
    sections = list(dict.fromkeys(section for section, _ in (*left, *right)))
    keys = sorted(dict.fromkeys((*left, *right)), key=lambda key: sections.index(key[0]))
    return [Row(*key, left.get(key, _ABSENT), right.get(key, _ABSENT)) for key in keys]


def comparison_table(rows: Sequence[Row], first: str, second: str) -> Table:
    """The rows with a mark and bold type on those that differ."""
    table = Table("", "section", "field", first, second)
    for row in rows:
        cells = (Text(value) for value in (row.name, row.first, row.second))
        table.add_row("≠" if row.differs else "", row.section, *cells, style="bold yellow" if row.differs else "dim")
    return table


def _fields(model: ModelVersion) -> Iterator[tuple[str, str, str]]:
    manifest = model.manifest
    groups = str(manifest.parameters.get(_FEATURE_GROUPS, ""))
    yield from (("labels", label, "yes") for label in manifest.labels)
    yield from (("parameters", name, str(value)) for name, value in manifest.parameters.items() if name != _FEATURE_GROUPS)
    yield from (("features", group, "yes") for group in filter(None, groups.split(",")))
    yield from (("datasets", role, short_digest(digest)) for role, digest in manifest.datasets.items())
    yield from (("libraries", name, value) for name, value in manifest.library_versions.items())
    yield from (("metrics", name, _number(value)) for name, value in metric_paths(model.metrics).items())


def _number(value: float | None) -> str:
    if value is None:
        return _ABSENT
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
