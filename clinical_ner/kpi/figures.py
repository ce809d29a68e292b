"""The figures that come from reviewed notes and from the inference log. Pure.

Shares and scores are of the uniform stratum alone, each note weighted by the inverse of the probability that it was drawn
with: they estimate what all notes would give. Low-confidence notes would make the model look worse than it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError
from clinical_ner.evaluation.counts import GOLD, PREDICTED, STRICT, count_spans
from clinical_ner.evaluation.matching import Outcome, match_spans
from clinical_ner.feedback.choosing import uniform
from clinical_ner.feedback.joining import predictions_of
from clinical_ner.inference_log.record import OK
from clinical_ner.kpi.intervals import CONFIDENCE, Bounds, clustered_share, quantile_interval

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

RESAMPLES = 1000
_NO_BOUNDS = Bounds(None, None)


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: ``value`` is None when there is no data, an end of the interval None when there is too little for it."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    of: str
    """What ``n`` counts."""
    unit: str


def changed_share(corrections: Iterable[Document]) -> Figure:
    """The share of reviewed entities that annotators changed: moved, relabelled, removed or added."""
    notes = uniform(corrections)
    changed, totals = [], []
    for note in notes:
        matches = match_spans(note.entities, _predicted(note))
        totals.append(len(matches))
        changed.append(sum(match.outcome is not Outcome.CORRECT for match in matches))
    share = clustered_share(changed, totals, _weights(notes))
    value, bounds = (share.value, share.bounds) if share else (None, _NO_BOUNDS)
    return Figure("reviewed entities changed", value, *bounds, sum(totals), "entities", "share")


def minutes_per_note(corrections: Iterable[Document]) -> Figure:
    """The median of how long annotators had a note open, in minutes; notes without such a time are left out.

    The median, since a task that stays open over lunch would move a mean.
    """
    given = (note.metadata.get("lead_time_seconds") for note in uniform(corrections))
    minutes = [float(seconds) / 60 for seconds in given if seconds is not None and _is_time(seconds)]
    value = float(np.median(minutes)) if minutes else None
    return Figure("review time per note", value, *quantile_interval(minutes, 0.5), len(minutes), "notes", "minutes (median)")


def reviewed_f1(corrections: Iterable[Document], *, seed: int = 0) -> Figure:
    """Strict span F1 of the predictions against the corrections, over all labels; bootstrap over notes."""
    notes = uniform(corrections)
    gold, predicted = [note.entities for note in notes], [_predicted(note) for note in notes]
    labels = sorted({span.label for spans in [*gold, *predicted] for span in spans})
    counts = count_spans(gold, predicted, labels).sum(axis=1) * np.asarray(_weights(notes))[:, None] if notes else None
    name, unit = "reviewed F1", "strict F1"
    if counts is None or not counts.sum():
        return Figure(name, None, None, None, len(notes), "notes", unit)
    draws = np.random.default_rng(seed).multinomial(len(notes), np.full(len(notes), 1 / len(notes)), size=RESAMPLES)
    scores = [_f1(total) for total in draws @ counts]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile([score for score in scores if score is not None], [tail, 1 - tail])
    bounds = Bounds(float(low), float(high)) if len(notes) > 1 else _NO_BOUNDS
    return Figure(name, _f1(counts.sum(axis=0)), *bounds, len(notes), "notes", unit)


def latency_p95(records: "pa.Table") -> Figure:
    """The 95th percentile of what answered requests took in the server, in milliseconds.

    Args:
        records: of the inference log; the notes of one request count once.
    """
    from pyarrow import compute

    answered = records.filter(compute.equal(records["status"], OK))
    columns = ("model_version", "request_id", "time", "latency_seconds")
    requests = answered.select(columns).group_by(list(columns)).aggregate([])
    milliseconds = requests["latency_seconds"].to_numpy() * 1000
    value = float(np.quantile(milliseconds, 0.95)) if len(milliseconds) else None
    bounds = quantile_interval(milliseconds, 0.95)
    return Figure("latency", value, *bounds, len(milliseconds), "requests", "ms (95th percentile)")


def _weights(notes: Sequence[Document]) -> list[float]:
    return [1 / _probability(note) for note in notes]


def _probability(note: Document) -> float:
    try:
        probability = float(note.metadata["probability"])
    except (KeyError, ValueError) as error:
        raise DataError(f"{note.id}: metadata.probability: missing or not a number: not a correction") from error
    if not 0 < probability <= 1:
        raise DataError(f"{note.id}: metadata.probability: {probability} does not lie above 0 and up to 1")
    return probability


def _predicted(note: Document) -> list[Entity]:
    return [entity.entity for entity in predictions_of(note)]


def _f1(total: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float | None:
    spans = total[GOLD] + total[PREDICTED]
    return float(2 * total[STRICT] / spans) if spans else None


def _is_time(seconds: str) -> bool:
    try:
        value = float(seconds)
    except ValueError:
        return False
    return isfinite(value) and value > 0
