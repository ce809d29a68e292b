"""Percentile bootstrap over documents (Efron & Tibshirani 1993, chapter 13), vectorised over resamples.

Documents, not spans, are resampled: spans of one note are not independent. Two models are compared on the same resamples
(Koehn 2004), so that what makes a note hard for both cancels out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical_ner.evaluation.counts import GOLD, PREDICTED, STRICT, SpanCounts

RESAMPLES = 1000
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


def f1_interval(counts: SpanCounts, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """95 % interval of the micro-averaged strict F1; (0, 0) without documents."""
    if not len(counts):
        return Interval(0.0, 0.0)
    return _percentiles(_f1(counts, _weights(len(counts), seed, resamples)))


def f1_difference_interval(
    challenger: SpanCounts, champion: SpanCounts, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """95 % interval of (challenger's - champion's) strict F1 on the same documents; (0, 0) without documents."""
    if not len(challenger):
        return Interval(0.0, 0.0)
    weights = _weights(len(challenger), seed, resamples)
    return _percentiles(_f1(challenger, weights) - _f1(champion, weights))


def _weights(documents: int, seed: int, resamples: int) -> NDArray[np.int64]:
    """How often each document is drawn, shape (resamples, documents)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(documents, np.full(documents, 1 / documents), size=resamples)


def _f1(counts: SpanCounts, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    totals = weights @ counts.sum(axis=1)
    denominator = totals[:, GOLD] + totals[:, PREDICTED]
    scores: NDArray[np.float64] = np.divide(
        2 * totals[:, STRICT], denominator, out=np.zeros(len(totals)), where=denominator > 0
    )
    return scores


def _percentiles(values: NDArray[np.float64]) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
