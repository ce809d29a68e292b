"""How far a window is from the reference, in percent of the notes, and whether chance explains it.

The deviation of a column is the total variation distance between reference and window on the reference's bins, less what noise
adds at these sample sizes: when x % of a column's values are replaced by values outside the reference, it reads x.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import erf  # type: ignore[import-untyped]

from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.profile import Counts, Profile, add_counts
from clinical_ner.drift.reference import Reference
from clinical_ner.drift.significance import holm, p_value
from clinical_ner.errors import DataError

ALPHA = 0.003
"""Probability that any column of an undrifted window is beyond noise."""
_STEPS = 20
_REST_ALPHA = 0.002
"""Probability with which noise among the values within the reference's range is read as a deviation of theirs."""


class ColumnDeviation(BaseModel):
    """One column of a window against the reference. Distances in percent, 0 to 100."""

    model_config = ConfigDict(frozen=True)

    column: str
    reference_values: int
    window_values: int
    reference_mean: float
    window_mean: float
    deviation: float = 0.0
    """Distance less noise; 0 to the measured distance."""
    distance: float = 0.0
    """Total variation distance as measured."""
    noise: float = 0.0
    """What it is expected to be without drift."""
    outside: float = 0.0
    """Window's values that lie outside all of the reference's."""
    p_value: float = 1.0
    """Adjusted for the number of columns (Holm)."""
    beyond_noise: bool = False


def compare(reference: Reference, window: Profile, *, alpha: float = ALPHA) -> list[ColumnDeviation]:
    """Every decision column of a window, the largest deviation first among those beyond noise, then the others.

    A column without values in the reference or the window deviates by 0 and is never beyond noise: how many entities there are
    is a column of its own.

    Raises:
        DataError: the window's columns are not the reference's.
    """
    if window.columns.keys() != reference.profile.columns.keys():
        odd = sorted(window.columns.keys() ^ reference.profile.columns.keys())
        raise DataError(f"window and reference differ in columns: {', '.join(odd)}; profile the window with the model's labels")
    found = [_compare_column(reference, window, name) for name in reference.profile.columns]
    adjusted = holm(np.array([column.p_value for column in found]))
    columns = [
        column.model_copy(update={"p_value": float(value), "beyond_noise": bool(value <= alpha)})
        for column, value in zip(found, adjusted, strict=True)
    ]
    return sorted(columns, key=lambda column: (not column.beyond_noise, -column.deviation, column.column))


def deviation_of(columns: list[ColumnDeviation]) -> float:
    """A window's deviation: the largest of the columns beyond noise, else 0."""
    return max((column.deviation for column in columns if column.beyond_noise), default=0.0)


def _compare_column(reference: Reference, window: Profile, name: str) -> ColumnDeviation:
    """The column by itself, its p value not yet adjusted."""
    fine = _same_length(reference.profile.columns[name], window.columns[name])
    column = ColumnDeviation(
        column=name,
        reference_values=reference.profile.values(name),
        window_values=window.values(name),
        reference_mean=reference.profile.mean(name),
        window_mean=window.mean(name),
    )
    if not column.reference_values or not column.window_values:
        return column
    binning, effect = binning_of(fine[0]), reference.design_effects[name]
    binned = binning.count(fine[0]), binning.count(fine[1])
    differences, spreads = _differences(*binned, effect)
    measured = {
        "deviation": 100 * _less_noise(fine, binned, effect),
        "distance": 100 * float(np.abs(differences).sum() / 2),
        "noise": 100 * _expected_distance(np.zeros(len(differences)), spreads),
        "outside": 100 * float(binned[1][0] + binned[1][-1]) / column.window_values,
        "p_value": p_value(fine, binned, effect),
    }
    return column.model_copy(update=measured)


def _same_length(reference: Counts, window: Counts) -> tuple[Counts, Counts]:
    zeros = np.zeros(max(len(reference), len(window)), dtype=np.int64)
    return add_counts(reference, zeros), add_counts(window, zeros)


def _differences(reference: Counts, window: Counts, effect: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Window's share less reference's for each bin, and the standard deviation that noise gives it."""
    sizes = reference.sum(), window.sum()
    pooled = (reference + window) / (sizes[0] + sizes[1])
    spreads = np.sqrt(pooled * (1 - pooled) * effect * (1 / sizes[0] + 1 / sizes[1]))
    return window / sizes[1] - reference / sizes[0], spreads


def _expected_distance(differences: NDArray[np.float64], spreads: NDArray[np.float64]) -> float:
    """Mean distance read when the true differences are these: half the sum of the means of folded normals (Leone 1961)."""
    noisy = spreads > 0
    ratios = differences[noisy] / spreads[noisy]
    folded = spreads[noisy] * (np.sqrt(2 / np.pi) * np.exp(-(ratios**2) / 2) + ratios * erf(ratios / np.sqrt(2)))
    return float(folded.sum() + np.abs(differences[~noisy]).sum()) / 2


def _less_noise(fine: tuple[Counts, Counts], binned: tuple[Counts, Counts], effect: float) -> float:
    """The distance, 0 to 1, less noise: what lies outside the reference, and how far the rest is from it.

    Values outside are read as they are, less the two in (reference + 1) that an undrifted window has. The rest deviates only
    when by itself it differs from the reference by more than chance: else its noise would be added to a clear reading.
    """
    reference, window = binned
    outside = float(window[0] + window[-1]) / float(window.sum())
    expected = 2 / (float(reference.sum()) / effect + 1)
    if not window[1:-1].any():
        return outside
    filled = np.flatnonzero(fine[0])
    rest = np.zeros_like(fine[1])
    rest[filled[0] : filled[-1] + 1] = fine[1][filled[0] : filled[-1] + 1]
    inner = np.concatenate([[0], window[1:-1], [0]])
    apart = max(outside - expected, 0.0)
    if p_value((fine[0], rest), (reference, inner), effect) > _REST_ALPHA:
        return apart
    return apart + (1 - outside) * _shrink(*_differences(reference[1:-1], window[1:-1], effect))


def _shrink(differences: NDArray[np.float64], spreads: NDArray[np.float64]) -> float:
    """The distance that on average is measured as the one of ``differences``; 0 when noise explains that.

    Subtracting the expected noise would take too much from a real difference, since noise hardly lengthens one that is large.
    """
    measured = float(np.abs(differences).sum() / 2)
    noise = _expected_distance(np.zeros(len(differences)), spreads)
    if measured <= noise:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _expected_distance(middle * differences, spreads) < measured:
            low = middle
        else:
            high = middle
    return low * measured
