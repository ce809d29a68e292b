"""The bins on which a window is compared with its reference: few, filled about equally by the reference, and open ends.

The first and the last bin lie outside all that the reference holds, so that nothing new is counted as known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical_ner.drift.profile import Counts

MAX_BINS = 10
"""Bins that the reference fills: as few as show a change of shape, since every bin adds noise."""


@dataclass(frozen=True, slots=True)
class Binning:
    """Half-open ranges of fine bins: bin 0 below ``edges[0]``, bin i up to ``edges[i]``, the last from ``edges[-1]`` on.

    ``edges`` ascend, shape (filled bins + 1,).
    """

    edges: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Bins, both outer ones included."""
        return len(self.edges) + 1

    def assign(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The bin of each fine bin."""
        return np.searchsorted(self.edges, indices, side="right")

    def count(self, counts: Counts) -> Counts:
        """Fine counts added up by bin, shape (size,)."""
        filled = np.flatnonzero(counts)
        totals = np.bincount(self.assign(filled), weights=counts[filled], minlength=self.size)
        return totals.astype(np.int64)


def binning_of(reference: Counts) -> Binning:
    """Bins from the reference's own counts: each of its values by itself while they are few, else about equal shares.

    Raises:
        ValueError: the reference has no values.
    """
    filled = np.flatnonzero(reference)
    if not len(filled):
        raise ValueError("a column without values has no bins")
    starts = filled if len(filled) <= MAX_BINS else filled[_starts_of_shares(reference[filled])]
    return Binning(np.append(starts, filled[-1] + 1))


def _starts_of_shares(counts: Counts) -> NDArray[np.int64]:
    """Positions at which about equal shares of the counts begin; one value never spans two of them."""
    middles = (np.cumsum(counts) - counts / 2) / counts.sum()
    shares = np.minimum((middles * MAX_BINS).astype(np.int64), MAX_BINS - 1)
    return np.flatnonzero(np.diff(shares, prepend=-1))
