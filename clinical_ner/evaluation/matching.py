"""Which prediction answers which gold span: for the confusion matrix and the error browser."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical_ner.documents import Entity

NOTHING = "(none)"
"""The row of predictions that answer no gold span, and the column of gold spans that nothing answers."""


class Outcome(StrEnum):
    """What became of a gold or predicted span."""

    CORRECT = "correct"
    BOUNDARY = "boundary"
    LABEL = "label"
    MISSED = "missed"
    SPURIOUS = "spurious"


class Match(NamedTuple):
    """A gold span with the prediction that overlaps it most; either may be missing, not both."""

    gold: Entity | None
    predicted: Entity | None

    @property
    def outcome(self) -> Outcome:
        if self.gold is None:
            return Outcome.SPURIOUS
        if self.predicted is None:
            return Outcome.MISSED
        if self.gold.label != self.predicted.label:
            return Outcome.LABEL
        return Outcome.CORRECT if self.gold == self.predicted else Outcome.BOUNDARY


def match_spans(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[Match]:
    """Pair spans of one document, equal ones first, then by largest overlap; each span occurs in one match."""
    matches: list[Match] = []
    free_gold, free_predicted = sorted(set(gold)), sorted(set(predicted))
    pairs = sorted(_overlapping_pairs(free_gold, free_predicted), key=_closeness)
    for match in pairs:
        if match.gold in free_gold and match.predicted in free_predicted:
            matches.append(match)
            free_gold.remove(match.gold)
            free_predicted.remove(match.predicted)
    matches += [Match(span, None) for span in free_gold]
    matches += [Match(None, span) for span in free_predicted]
    return sorted(matches, key=lambda match: match.gold or match.predicted or Entity(0, 0, ""))


class _Pair(Match):
    gold: Entity
    predicted: Entity


def _overlapping_pairs(gold: Sequence[Entity], predicted: Sequence[Entity]) -> Iterator[_Pair]:
    for span in gold:
        for other in predicted:
            if span.overlaps(other):
                yield _Pair(span, other)


def _closeness(pair: _Pair) -> tuple[bool, int, bool, Entity]:
    overlap = min(pair.gold.end, pair.predicted.end) - max(pair.gold.start, pair.predicted.start)
    return pair.gold != pair.predicted, -overlap, pair.gold.label != pair.predicted.label, pair.gold


def confusion_matrix(
    gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Matched spans by gold label (rows) and predicted label (columns), :data:`NOTHING` last in both."""
    index = {label: position for position, label in enumerate([*labels, NOTHING])}
    matrix = np.zeros((len(index), len(index)), dtype=np.int64)
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        for match in match_spans(gold_spans, predicted_spans):
            row = index[match.gold.label if match.gold else NOTHING]
            column = index[match.predicted.label if match.predicted else NOTHING]
            matrix[row, column] += 1
    return matrix
