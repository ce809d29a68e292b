"""Profiles: counts of column values on fixed bins, which add up.

Only whole numbers are kept, so that merging is associative and commutative to the bit, whichever engine made the parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from clinical_ner.drift.columns import REPORTED, NoteColumns, columns_of, decision_columns
from clinical_ner.drift.grid import grid_of
from clinical_ner.errors import DataError

FORMAT = 1
ROWS_AT_A_TIME = 50_000

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Model:
    """Whose answers a profile counts."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a model saw and answered in ``notes`` notes.

    ``columns[name]`` counts values by bin of the column's grid, shape (highest bin that is filled + 1,), or (0,) without
    values. ``refused`` notes got an error for an answer and are in no column.
    """

    model: Model
    notes: int
    refused: int
    columns: Mapping[str, Counts]
    categories: Mapping[str, Mapping[str, int]]

    def values(self, column: str) -> int:
        """How many values the column has."""
        return int(self.columns[column].sum())

    def mean(self, column: str) -> float:
        """Mean of a column, to the width of a bin; 0 without values."""
        counts = self.columns[column]
        values = grid_of(column).value(np.arange(len(counts)))
        return float(counts @ values / max(counts.sum(), 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def to_json(self) -> bytes:
        """Canonical JSON: equal profiles give equal bytes."""
        return orjson.dumps(self.as_record(), option=orjson.OPT_SORT_KEYS)

    def as_record(self) -> dict[str, Any]:
        """What :meth:`to_json` writes: bins that are filled, and their counts."""
        filled = {name: np.flatnonzero(counts) for name, counts in self.columns.items()}
        return {
            "format": FORMAT,
            "model": {"name": self.model.name, "version": self.model.version, "digest": self.model.digest},
            "notes": self.notes,
            "refused": self.refused,
            "columns": {
                name: {"bins": bins.tolist(), "counts": self.columns[name][bins].tolist()} for name, bins in filled.items()
            },
            "categories": {name: dict(values) for name, values in self.categories.items()},
        }


def empty_profile(model: Model, labels: Sequence[str]) -> Profile:
    """The profile of no notes: merging it changes nothing."""
    columns = {name: np.zeros(0, dtype=np.int64) for name in decision_columns(labels)}
    return Profile(model, 0, 0, columns, {name: {} for name in REPORTED})


def profile_of(columns: NoteColumns, model: Model) -> Profile:
    """Count column values."""
    counts = {name: np.bincount(grid_of(name).index(values)) for name, values in columns.values.items()}
    return Profile(model, columns.notes, columns.refused, counts, columns.categories)


def profile_table(table: pa.Table, model: Model, labels: Sequence[str]) -> Profile:
    """The profile of a log table, a part at a time; raises as :func:`~clinical_ner.drift.columns.columns_of`."""
    return profile_batches(table.to_batches(max_chunksize=ROWS_AT_A_TIME), model, labels)


def profile_batches(batches: Iterable[pa.RecordBatch], model: Model, labels: Sequence[str]) -> Profile:
    """The profile of a stream of record batches, of which one at a time is held."""
    parts = (profile_of(columns_of(batch, labels), model) for batch in batches)
    return reduce(merge, parts, empty_profile(model, labels))


def merge(left: Profile, right: Profile) -> Profile:
    """The profile of both parts together.

    Raises:
        DataError: the parts are of two models, or have not the same columns.
    """
    if left.model != right.model:
        names = " and ".join(f"{part.model.name} {part.model.version}" for part in (left, right))
        raise DataError(f"profiles of two models cannot be merged: {names}; profile each model's records by themselves")
    if left.columns.keys() != right.columns.keys():
        odd = sorted(left.columns.keys() ^ right.columns.keys())
        raise DataError(f"profiles with different columns cannot be merged: {', '.join(odd)} is in one of them only")
    return Profile(
        left.model,
        left.notes + right.notes,
        left.refused + right.refused,
        {name: add_counts(left.columns[name], right.columns[name]) for name in left.columns},
        {name: _add_categories(left.categories[name], right.categories[name]) for name in left.categories},
    )


def add_counts(left: Counts, right: Counts) -> Counts:
    """Sum of two arrays of counts, the shorter one filled up with zeros."""
    short, long = sorted((left, right), key=len)
    total = long.copy()
    total[: len(short)] += short
    return total


def _add_categories(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {value: left.get(value, 0) + right.get(value, 0) for value in left.keys() | right.keys()}


def parse_profile(record: Any) -> Profile:
    """A profile from what :meth:`Profile.as_record` made.

    Raises:
        DataError: it is none, or of a newer format.
    """
    try:
        if record["format"] != FORMAT:
            raise DataError(f"profile: format {record['format']!r}; this release reads {FORMAT}")
        return Profile(
            Model(**record["model"]),
            int(record["notes"]),
            int(record["refused"]),
            {name: _dense(column["bins"], column["counts"]) for name, column in record["columns"].items()},
            {name: dict(values) for name, values in record["categories"].items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError("profile: not what a profile writes; make it anew from the log or the evaluation") from error


def _dense(bins: Sequence[int], counts: Sequence[int]) -> Counts:
    dense = np.zeros(bins[-1] + 1 if bins else 0, dtype=np.int64)
    dense[np.asarray(bins, dtype=np.int64)] = counts
    return dense
