"""How a length is distributed, in few numbers: quantiles and a histogram of whole-number bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_BINS = 24


@dataclass(frozen=True, slots=True)
class Bin:
    """``count`` values between ``first`` and ``last``, both included; ``last`` is None where the bin is open."""

    first: int
    last: int | None
    count: int

    @property
    def name(self) -> str:
        if self.last is None:
            return f"{self.first:,} and more"
        return f"{self.first:,}" if self.first == self.last else f"{self.first:,}-{self.last:,}"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Quantiles and bins of whole numbers; without values all are 0 and there is no bin."""

    minimum: int = 0
    median: float = 0.0
    p95: float = 0.0
    maximum: int = 0
    bins: tuple[Bin, ...] = ()

    @property
    def peak(self) -> int:
        return max((bin_.count for bin_ in self.bins), default=0)


def distribution_of(values: Sequence[int]) -> Distribution:
    """Bins of equal width up to the 99th percentile, one open bin above, so that one huge value squeezes nothing."""
    if not values:
        return Distribution()
    numbers = np.asarray(values)
    top = int(np.quantile(numbers, 0.99, method="higher"))
    low = int(numbers.min())
    width = _round_width((top - low + 1) / MAX_BINS)
    first = low - low % width
    starts = list(range(first, top + 1, width))
    counts = np.histogram(numbers, bins=[*starts, starts[-1] + width, np.inf])[0]
    bins = [Bin(start, start + width - 1, int(count)) for start, count in zip(starts, counts, strict=False)]
    if counts[-1]:
        bins.append(Bin(starts[-1] + width, None, int(counts[-1])))
    median, p95 = np.quantile(numbers, [0.5, 0.95])
    return Distribution(low, float(median), float(p95), int(numbers.max()), tuple(bins))


def _round_width(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... that is not below ``width``."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if step * scale >= width:
                return step * scale
        scale *= 10
