"""Key figures as gauges, in base units: what ``clinical-ner kpi`` prints, for dashboards and alerts."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from clinical_ner.batch_metrics.series import Job, Series
from clinical_ner.kpi import Figure

NAME = "clinical-ner-kpi"


class _Gauge(NamedTuple):
    name: str
    unit: str
    factor: float
    """From the figure's unit to the gauge's."""
    meaning: str


GAUGES = {
    "reviewed entities changed": _Gauge("changed_entities", "_ratio", 1, "Share of reviewed entities that were changed"),
    "review time per note": _Gauge("review", "_seconds", 60, "Median time that a reviewed note was open"),
    "reviewed F1": _Gauge("reviewed_f1", "_ratio", 1, "Strict F1 of the predictions on reviewed notes"),
    "latency": _Gauge("latency_p95", "_seconds", 1e-3, "95th percentile of the server's time for a request"),
    "new data to live model": _Gauge("data_to_live", "_seconds", 3600, "Median time from new data to a live model"),
}
"""By the figure's name."""


def figure_series(model: str, version: str, figures: Iterable[Figure], *, now: datetime) -> Series:
    """Each figure with the ends of its 95 % interval and its sample; what has no data has a sample of 0 and no value.

    ``version`` is the one that was asked for, or empty for all; each is a group of its own.
    """
    group = {"model": model} | ({"model_version": version} if version else {})
    series = Series(Job(NAME, group))
    series.put("kpi_last_success_timestamp_seconds", "When the key figures were computed last.", now.timestamp())
    for figure in figures:
        _put(series, figure, GAUGES[figure.name])
    return series


def _put(series: Series, figure: Figure, gauge: _Gauge) -> None:
    ends = (("", "", figure.value), ("_low", ", lower end", figure.low), ("_high", ", upper end", figure.high))
    for suffix, which, value in ends:
        if value is not None:
            name = f"kpi_{gauge.name}{suffix}{gauge.unit}"
            series.put(name, f"{gauge.meaning}{which}.", value * gauge.factor)
    series.put(f"kpi_{gauge.name}_sample_size", f"{gauge.meaning}: number of {figure.of}.", figure.n)
