"""Could two samples of these sizes differ as much by chance? Four two-sample tests on counts.

All allow for the design effect, and all count the noise of the reference as well as that of the window.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln, ndtr  # type: ignore[import-untyped]

from clinical_ner.drift.profile import Counts

MIN_EXPECTED = 5.0
"""Expected count below which chi-square is not to be trusted (Cochran 1954)."""
MIN_UNTIED = 20.0
"""Expected count of values other than the commonest below which ranks are not compared."""
MIN_PER_SKEWNESS = 400.0
"""Values per squared skewness below which means are not compared: 16 times Cochran's rule, which is made for 5 %."""
TESTS = 4


def p_value(fine: tuple[Counts, Counts], binned: tuple[Counts, Counts], effect: float) -> float:
    """Probability, under no drift, of a difference as large as this, by the strictest of four tests (Bonferroni).

    ``fine`` and ``binned`` are the counts of reference and window, of equal shapes; the first and last of ``binned`` lie
    outside the reference. ``effect`` is the design effect. 1 when either sample is empty.
    """
    if not fine[0].sum() or not fine[1].sum():
        return 1.0
    smallest = min(
        _shape_test(*binned, effect),
        _rank_test(*fine, effect),
        _mean_test(*fine, effect),
        _outside_test(*binned, effect),
    )
    return min(1.0, TESTS * smallest)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """P values adjusted for their number: below alpha, any one of them, with probability alpha at most (Holm 1979)."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def _shape_test(reference: Counts, window: Counts, effect: float) -> float:
    """Chi-square test of homogeneity with the first-order correction of Rao & Scott (1981); two bins are tested exactly."""
    first, second = _merge_sparse(reference, window, effect)
    if len(first) < 2:
        first, second = _in_two(reference, window)
    if len(first) == 2:
        return _discount(_exact_two_sided(first, second), effect)
    sizes = first.sum(), second.sum()
    statistic = sizes[0] * sizes[1] * ((second / sizes[1] - first / sizes[0]) ** 2 / (first + second)).sum()
    return float(chdtrc(len(first) - 1, statistic / effect))


def _discount(p: float, effect: float) -> float:
    """A tail probability of clustered values, from that of independent ones: its exponent shrinks by the design effect."""
    return float(p ** (1 / effect))


def _merge_sparse(reference: Counts, window: Counts, effect: float) -> tuple[Counts, Counts]:
    """Neighbouring bins merged until each expects enough independent values in the smaller sample."""
    smaller = min(reference.sum(), window.sum()) / (reference.sum() + window.sum())
    expected = (reference + window) * smaller / effect
    starts, gathered = [], np.inf
    for position, value in enumerate(expected):
        if gathered >= MIN_EXPECTED:
            starts.append(position)
            gathered = 0.0
        gathered += value
    if gathered < MIN_EXPECTED and len(starts) > 1:
        starts.pop()
    return np.add.reduceat(reference, starts), np.add.reduceat(window, starts)


def _in_two(reference: Counts, window: Counts) -> tuple[Counts, Counts]:
    """The fullest bin against all others: what is left to ask of a column that hardly varies."""
    fullest = int(np.argmax(reference))
    first, second = (np.array([counts[fullest], counts.sum() - counts[fullest]]) for counts in (reference, window))
    return first, second


def _exact_two_sided(reference: Counts, window: Counts) -> float:
    """Fisher's exact test of two bins, two-sided by doubling."""
    size, total, marked = int(window.sum()), int(window.sum() + reference.sum()), int(reference[1] + window[1])
    support = np.arange(max(0, size + marked - total), min(size, marked) + 1, dtype=np.float64)
    logs = _log_choose(marked, support) + _log_choose(total - marked, size - support)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    tail = min(weights[support <= window[1]].sum(), weights[support >= window[1]].sum())
    return float(min(1.0, 2 * tail))


def _rank_test(reference: Counts, window: Counts, effect: float) -> float:
    """Wilcoxon's rank sum test, two-sided, corrected for ties and clusters (normal approximation).

    It is not asked, and 1, when nearly all values are the same one: the normal distribution then does not hold.
    """
    pooled = (reference + window).astype(np.float64)
    total, sizes = pooled.sum(), (float(reference.sum()), float(window.sum()))
    if (total - pooled.max()) / effect * min(sizes) / total < MIN_UNTIED:
        return 1.0
    ranks = np.cumsum(pooled) - pooled / 2
    variance = (pooled @ (ranks - total / 2) ** 2) / total
    if variance <= 0:
        return 1.0
    difference = window @ ranks / sizes[1] - reference @ ranks / sizes[0]
    scale = np.sqrt(variance * effect * (1 / sizes[0] + 1 / sizes[1]))
    return float(2 * ndtr(-abs(difference) / scale))


def _mean_test(reference: Counts, window: Counts, effect: float) -> float:
    """Test of equal means of the fine bins' numbers, two-sided (normal approximation): ranks see little of a tail that grows.

    It is not asked, and 1, when the smaller sample is too small for the skewness of the values (Cochran 1977, 2.15).
    """
    pooled, positions = (reference + window).astype(np.float64), np.arange(len(reference), dtype=np.float64)
    total, sizes = pooled.sum(), (float(reference.sum()), float(window.sum()))
    centred = positions - pooled @ positions / total
    variance = pooled @ centred**2 / total
    if variance <= 0:
        return 1.0
    skewness = pooled @ centred**3 / total / variance**1.5
    if min(sizes) / effect < MIN_PER_SKEWNESS * max(skewness**2, 1.0):
        return 1.0
    difference = window @ centred / sizes[1] - reference @ centred / sizes[0]
    scale = np.sqrt(variance * effect * (1 / sizes[0] + 1 / sizes[1]))
    return float(2 * ndtr(-abs(difference) / scale))


def _outside_test(reference: Counts, window: Counts, effect: float) -> float:
    """Are more of the window's values beyond the reference's least and largest than chance puts there?

    The k outermost of all values all belong to the window with probability C(n, k) / C(n + N, k), where n and N are the sizes
    of window and reference (precedence test, Nelson 1963). It is asked at both ends.
    """
    size, total = float(window.sum()), float(window.sum() + reference.sum())
    beyond = np.array([window[0], window[-1]], dtype=np.float64)
    logs = _log_choose(size, beyond) - _log_choose(total, beyond)
    return min(1.0, 2 * _discount(float(np.exp(logs.min())), effect))


def _log_choose(total: float, chosen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the binomial coefficient, also of numbers that are not whole."""
    logs: NDArray[np.float64] = gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)
    return logs
