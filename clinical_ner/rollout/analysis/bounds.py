"""One-sided confidence bounds of shares and ratios, and of their differences. Pure."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from scipy.special import betaincinv  # type: ignore[import-untyped]

from clinical_ner.rollout.counting.counters import Moments

DISPERSION = 6.0
"""Variance over mean of a request's entities where a server does not count its moments: far above the 2 of notes whose rates
vary as a gamma of shape 3, and the 0.7 of the synthetic corpus."""


class Share(NamedTuple):
    """``hits`` of ``total``."""

    hits: float
    total: float

    @property
    def value(self) -> float:
        return self.hits / self.total if self.total else 0.0


def share_low(share: Share, alpha: float) -> float:
    """Lower bound at confidence 1 - ``alpha``, exact (Clopper & Pearson 1934); 0 without observations."""
    if share.hits <= 0:
        return 0.0
    return float(betaincinv(share.hits, share.total - share.hits + 1, alpha))


def share_high(share: Share, alpha: float) -> float:
    """Upper bound at confidence 1 - ``alpha``; 1 without observations."""
    if share.hits >= share.total:
        return 1.0
    return float(betaincinv(share.hits + 1, share.total - share.hits, 1 - alpha))


def excess_low(canary: Share, stable: Share, alpha: float) -> float:
    """Lower bound of canary less stable, from the bounds of both (Newcombe 1998, method 10; Zou & Donner 2008)."""
    canary_low, stable_high = share_low(canary, alpha), share_high(stable, alpha)
    return canary.value - stable.value - sqrt((canary.value - canary_low) ** 2 + (stable_high - stable.value) ** 2)


def excess_high(canary: Share, stable: Share, alpha: float) -> float:
    """Upper bound of canary less stable."""
    return -excess_low(stable, canary, alpha)


def needed_for_share(canary: float, stable: float, allowed: float, alpha: float, per_canary: float) -> int:
    """About how many of a canary's requests show that its share exceeds the stable's by less than ``allowed``.

    From both shares as they are, by the normal approximation with a term for rare events; ``per_canary`` are requests of the
    stable's for one of the canary's.
    """
    squared, room = NormalDist().inv_cdf(1 - alpha) ** 2, max(allowed + stable - canary, 1e-6)
    spread = canary * (1 - canary) + stable * (1 - stable) / max(per_canary, 1e-9)
    return round(squared / 2 / room + 2 + squared * spread / room**2)


class RatioOfSums(NamedTuple):
    """A sum over another, as entities over tokens, with the variance of the ratio."""

    value: float
    variance: float
    base: float


def ratio_of_sums(numerator: float, base: float, moments: Moments) -> RatioOfSums:
    """The ratio and its variance by linearization over requests (Cochran 1977, sections 2.11 and 6.3).

    A sum of squared residuals, numerator less ratio times base. Never less than independent entities would have (Poisson), and
    ``DISPERSION`` times as much where no moments were counted.
    """
    if base <= 0:
        return RatioOfSums(0.0, 0.0, 0.0)
    ratio = numerator / base
    residuals = moments.squared - 2 * ratio * moments.product + ratio**2 * moments.base_squared
    least = numerator * (1.0 if moments.base_squared > 0 else DISPERSION)
    return RatioOfSums(ratio, max(residuals, least) / base**2, base)


def mean_of_entities(scores: float, entities: float, moments: Moments) -> RatioOfSums:
    """The mean score and its variance, likewise; a score's variance is at most 1/4 where no moments were counted."""
    if entities <= 0:
        return RatioOfSums(0.0, 0.0, 0.0)
    mean = scores / entities
    residuals = moments.squared - 2 * mean * moments.product + mean**2 * moments.base_squared
    if moments.base_squared <= 0:
        residuals = DISPERSION * entities / 4
    return RatioOfSums(mean, max(residuals, 0.0) / entities**2, entities)


def is_above(canary: RatioOfSums, stable: RatioOfSums, factor: float, alpha: float) -> bool:
    """Whether the canary's ratio is beyond noise more than ``factor`` times the stable's."""
    return canary.value - factor * stable.value > _noise(canary.variance, stable, factor, alpha)


def is_below(canary: RatioOfSums, stable: RatioOfSums, factor: float, alpha: float) -> bool:
    """Whether the canary's ratio is beyond noise less than ``factor`` times the stable's.

    A canary that finds little shows little spread. What it would show if it were just as good as asked is the larger of its own
    and of the stable's, scaled to its sample.
    """
    if canary.base <= 0:
        return False
    at_limit = stable.variance * stable.base / canary.base * factor if stable.base else 0.0
    return factor * stable.value - canary.value > _noise(max(canary.variance, at_limit), stable, factor, alpha)


def _noise(variance: float, stable: RatioOfSums, factor: float, alpha: float) -> float:
    return NormalDist().inv_cdf(1 - alpha) * sqrt(variance + factor**2 * stable.variance)
