"""95 % intervals of shares and quantiles. Pure."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_LARGEST_EXACT = 1000


class Bounds(NamedTuple):
    """Lower and upper end; None where so few observations allow none."""

    low: float | None
    high: float | None


class Share(NamedTuple):
    """A share, 0 to 1, and its interval."""

    value: float
    bounds: Bounds


def wilson(share: float, n: float) -> Bounds:
    """Wilson's score interval of a share of ``n`` observations, which may be an effective number (Wilson 1927)."""
    if n <= 0:
        return Bounds(None, None)
    scale = 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / scale
    half = _Z / scale * sqrt(max(share * (1 - share), 0.0) / n + _Z**2 / (4 * n**2))
    return Bounds(max(0.0, middle - half), min(1.0, middle + half))


def clustered_share(hits: Sequence[float], totals: Sequence[float], weights: Sequence[float]) -> Share | None:
    """The weighted share of hits where they come in clusters (entities in notes); None without observations.

    The interval is Wilson's with the number of observations divided by the design effect, which is taken as at least 1 (Korn
    and Graubard 1998): entities of one note are right or wrong together, and count for less than as many notes' would.
    """
    hit, total, weight = (np.asarray(values, dtype=float) for values in (hits, totals, weights))
    observations, size = float(total.sum()), float(weight @ total)
    if not size:
        return None
    share = float(weight @ hit) / size
    binomial = share * (1 - share) / observations
    effect = _ratio_variance(weight * (hit - share * total), size) / binomial if binomial else 1.0
    return Share(share, wilson(share, observations / max(1.0, effect)))


def _ratio_variance(residuals: NDArray[np.float64], size: float) -> float:
    """Variance of a ratio of cluster totals, by linearization (Cochran 1977, section 2.11)."""
    clusters = len(residuals)
    return float(residuals @ residuals) / size**2 * clusters / (clusters - 1) if clusters > 1 else 0.0


def quantile_interval(values: Sequence[float] | NDArray[np.float64], q: float) -> Bounds:
    """Distribution-free interval of the ``q`` quantile: order statistics by the binomial (Conover 1999, section 3.2)."""
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if not n:
        return Bounds(None, None)
    low, high = _ranks(n, q)
    return Bounds(float(ordered[low - 1]) if low >= 1 else None, float(ordered[high - 1]) if high <= n else None)


def _ranks(n: int, q: float) -> tuple[int, int]:
    """Ranks from 1 of the ends; 0 and n + 1 where there is none."""
    if n > _LARGEST_EXACT:
        half = _Z * sqrt(n * q * (1 - q))
        return int(np.floor(n * q - half)), int(np.ceil(n * q + half)) + 1
    tail = (1 - CONFIDENCE) / 2
    cumulative = np.cumsum(_binomial(n, q))
    low = int(np.searchsorted(cumulative, tail, side="right"))
    high = int(np.searchsorted(cumulative, 1 - tail, side="left")) + 1
    return low, high


def _binomial(n: int, q: float) -> NDArray[np.float64]:
    """Probabilities of 0 to n successes."""
    counts = np.arange(1, n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(n - counts + 1) - np.log(counts))])
    successes = np.arange(n + 1)
    probabilities: NDArray[np.float64] = np.exp(logs + successes * np.log(q) + (n - successes) * np.log(1 - q))
    return probabilities
