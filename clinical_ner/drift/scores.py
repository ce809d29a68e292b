"""Evidently's column scores, from profiles: the same formulas as its methods of the same names, within 1e-3.

For windows too large for Evidently itself; :mod:`clinical_ner.drift.report` has it compute them up to a number of rows.
"""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from clinical_ner.drift.grid import grid_of
from clinical_ner.drift.profile import Counts, Profile, add_counts

Method = Literal["wasserstein", "jensenshannon"]
THRESHOLD = 0.1
"""Evidently's own, for both methods: a score of as much is drift to it."""
_LEAST_SPREAD = 0.001


class ColumnScore(BaseModel):
    """What Evidently says of a column: ``drifted`` is its verdict, which knows no noise and decides nothing here."""

    model_config = ConfigDict(frozen=True)

    column: str
    method: Method
    score: float
    threshold: float = THRESHOLD
    drifted: bool


def method_of(column: str) -> Method:
    """The method that is set for a column, by name, whatever its values: flags and categories have no distance."""
    return "jensenshannon" if column in {"has_no_entity", "site", "specialty"} else "wasserstein"


def score_columns(reference: Profile, window: Profile) -> list[ColumnScore]:
    """Scores of all decision columns that have values in both, in the reference's order."""
    scores = []
    for name, counts in reference.columns.items():
        if reference.values(name) and window.values(name):
            method = method_of(name)
            score = (
                wasserstein(name, counts, window.columns[name])
                if method == "wasserstein"
                else jensen_shannon(counts, window.columns[name])
            )
            scores.append(ColumnScore(column=name, method=method, score=score, drifted=score >= THRESHOLD))
    return scores


def wasserstein(column: str, reference: Counts, window: Counts) -> float:
    """First Wasserstein distance (Vaserstein 1969) over the reference's standard deviation, which counts as 0.001 at least."""
    zeros = np.zeros(max(len(reference), len(window)), dtype=np.int64)
    first, second = add_counts(reference, zeros), add_counts(window, zeros)
    values = grid_of(column).value(np.arange(len(zeros)))
    below = np.cumsum(first)[:-1] / first.sum() - np.cumsum(second)[:-1] / second.sum()
    mean = first @ values / first.sum()
    spread = float(np.sqrt(first @ (values - mean) ** 2 / first.sum()))
    return float(np.abs(below) @ np.diff(values)) / max(spread, _LEAST_SPREAD)


def jensen_shannon(reference: Counts, window: Counts) -> float:
    """Jensen-Shannon distance (Lin 1991; Endres & Schindelin 2003), natural logarithm, of the shares of each value."""
    zeros = np.zeros(max(len(reference), len(window)), dtype=np.int64)
    first, second = (add_counts(counts, zeros) / counts.sum() for counts in (reference, window))
    middle = (first + second) / 2
    divergence = sum(float((part[part > 0] * np.log(part[part > 0] / middle[part > 0])).sum()) for part in (first, second))
    return float(np.sqrt(max(divergence / 2, 0.0)))
