"""Counts of spans per document and label, from which every score and every bootstrap follows.

Strict: same start, end and label. Overlap: the same label and at least one code point in common (one to one is not asked:
a long prediction over two gold spans finds both). Spans count once, however often a document repeats them. Definitions
follow SemEval-2013 task 9.1 (strict and partial matching).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical_ner.documents import Entity

GOLD, PREDICTED, STRICT, FOUND, CORRECT = range(5)
"""Columns: gold spans, predicted spans, spans in both, gold spans overlapped, predicted spans that overlap gold."""

SpanCounts = NDArray[np.int64]
"""Shape (documents, labels, 5)."""


def count_spans(gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], labels: Sequence[str]) -> SpanCounts:
    """Counts per document and label, shape (``len(gold)``, ``len(labels)``, 5); labels outside ``labels`` are not counted."""
    counts = np.zeros((len(gold), len(labels), 5), dtype=np.int64)
    for row, (gold_spans, predicted_spans) in enumerate(zip(gold, predicted, strict=True)):
        for column, label in enumerate(labels):
            counts[row, column] = _count(
                {span for span in gold_spans if span.label == label},
                {span for span in predicted_spans if span.label == label},
            )
    return counts


def _count(gold: set[Entity], predicted: set[Entity]) -> tuple[int, int, int, int, int]:
    found = sum(any(span.overlaps(other) for other in predicted) for span in gold)
    correct = sum(any(span.overlaps(other) for other in gold) for span in predicted)
    return len(gold), len(predicted), len(gold & predicted), found, correct


class Score(NamedTuple):
    """Precision, recall and F1, 0 to 1; each is 0 where its denominator is."""

    precision: float
    recall: float
    f1: float


def strict_score(counts: NDArray[np.int64]) -> Score:
    """Micro-averaged strict score of ``counts[..., 5]``, summed over all leading axes."""
    total = counts.reshape(-1, 5).sum(axis=0)
    return _score(total[STRICT], total[PREDICTED], total[STRICT], total[GOLD])


def overlap_score(counts: NDArray[np.int64]) -> Score:
    """Micro-averaged overlap score of ``counts[..., 5]``, summed over all leading axes."""
    total = counts.reshape(-1, 5).sum(axis=0)
    return _score(total[CORRECT], total[PREDICTED], total[FOUND], total[GOLD])


def _score(correct: int, predicted: int, found: int, gold: int) -> Score:
    precision = float(correct / predicted) if predicted else 0.0
    recall = float(found / gold) if gold else 0.0
    return Score(precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)
