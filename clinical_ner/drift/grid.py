"""The fine bins that every profile counts on: fixed by the column's name alone, so that any two profiles can be added.

Whole numbers have a bin each up to 4,095 and from there bins of at most 1/2,048 of their value (the log-linear layout of
HdrHistogram, Tene 2012); shares have 4,096 bins of equal width. Both keep Wasserstein distances within 1e-3.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_EXACT_BITS = 12
_HALF = 1 << (_EXACT_BITS - 1)
_SHARE_BINS = 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """Bins numbered from 0 upwards, in order of the values they hold."""

    kind: Literal["count", "share"]
    scale: float = 1.0
    """The value that a share of 1 has."""

    def index(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bin of each value; values below 0 count as 0. Same shape."""
        positive: NDArray[np.float64] = np.maximum(values, 0.0)
        if self.kind == "share":
            return (positive * (_SHARE_BINS / self.scale) + 1e-9).astype(np.int64)
        whole = positive.astype(np.int64)
        shift = np.maximum(np.frexp(whole.astype(np.float64))[1] - _EXACT_BITS, 0)
        indices: NDArray[np.int64] = shift * _HALF + (whole >> shift)
        return indices

    def value(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """The least value of each bin. Same shape."""
        if self.kind == "share":
            return np.asarray(indices * (self.scale / _SHARE_BINS), dtype=np.float64)
        shift = np.maximum(indices // _HALF - 1, 0)
        return np.asarray((indices - shift * _HALF) << shift, dtype=np.float64)


_COUNT = Grid("count")
_SHARE = Grid("share")
_PER_HUNDRED = Grid("share", 100.0)
_COUNTED = frozenset({"characters", "tokens", "sentences", "has_no_entity"})


def grid_of(column: str) -> Grid:
    """The grid of a decision column."""
    if column in _COUNTED:
        return _COUNT
    return _PER_HUNDRED if column.startswith("entities_per_100_tokens.") else _SHARE
