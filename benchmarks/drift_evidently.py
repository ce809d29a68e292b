"""Evidently's default verdicts on the same windows: its own choice of test and threshold for each column, nothing drawn."""

import os

os.environ["DO_NOT_TRACK"] = "1"

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType

from clinical_ner.drift.columns import NoteColumns, columns_of
from clinical_ner.drift.deviation import compare, deviation_of
from clinical_ner.drift.profile import Model, profile_of
from clinical_ner.drift.reference import reference_of_columns
from clinical_ner.drift.rules import DriftRules

HALF = 0.5
RULES = DriftRules()


def excesses(reference: NoteColumns, window: NoteColumns) -> np.ndarray:
    """For each column how far Evidently's score is beyond its threshold: 1 or more is drift, shape (columns,).

    A p value counts as threshold over p.
    """
    found = []
    for name, values in reference.values.items():
        before, now = pd.Series(values), pd.Series(window.values[name])
        test = get_stattest(before, now, ColumnType.Numerical, None)
        score, _ = test.func(before, now, ColumnType.Numerical, test.default_threshold)
        is_distance = test.name in {"wasserstein", "jensenshannon"}
        found.append(score / test.default_threshold if is_distance else test.default_threshold / max(score, 1e-300))
    return np.array(found)


def scores(reference: NoteColumns, window: NoteColumns, methods: Sequence[tuple[str, str]]) -> list[float]:
    """Evidently's scores of raw values, by the named method for each column."""
    found = []
    for name, method in methods:
        before, now = pd.Series(reference.values[name]), pd.Series(window.values[name])
        kind = ColumnType.Categorical if method == "jensenshannon" else ColumnType.Numerical
        test = get_stattest(before, now, kind, method)
        found.append(float(test.func(before, now, kind, test.default_threshold)[0]))
    return found


class Rivals:
    """Evidently and this library before one reference."""

    def __init__(self, pool: Any, size: int, *, nulls: int) -> None:
        self._labels = pool.labels
        self._model = Model("clinical-ner", "v1", "sha256:benchmark")
        self._columns, patients = pool.reference_columns(size)
        self._reference = reference_of_columns(self._columns, patients, self._model)
        undrifted = [columns_of(pool.draw(pool.windows, 1_000), self._labels) for _ in range(nulls)]
        self._limit = max(1.0, *(excesses(self._columns, window).max() for window in undrifted))

    def measure(self, windows: Sequence[pa.Table]) -> np.ndarray:
        """Shares of the windows: half of the columns, any, any at equal false alarms; found by us, and acted on by us."""
        return np.mean([self._judge(columns_of(table, self._labels)) for table in windows], axis=0)

    def _judge(self, window: NoteColumns) -> tuple[bool, ...]:
        rival = excesses(self._columns, window)
        deviation = deviation_of(compare(self._reference, profile_of(window, self._model)))
        return (
            bool(np.mean(rival >= 1) >= HALF),
            bool((rival >= 1).any()),
            bool((rival > self._limit).any()),
            deviation > 0,
            deviation >= RULES.retrain_percent,
        )
