"""Intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.kpi.intervals import Bounds, clustered_share, quantile_interval, wilson


def test_wilson_agrees_with_published_values():
    """Newcombe 1998, table I: 81 of 263 and 0 of 20."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_holds_the_share(hits, misses):
    """The share lies within its interval, which lies within 0 to 1; without observations there is none."""
    n = hits + misses
    if not n:
        assert wilson(0.0, 0) == Bounds(None, None)
        return
    low, high = wilson(hits / n, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1


def test_entities_that_fail_together_count_for_fewer():
    """Twenty notes wholly right or wrong tell as much as twenty entities, not as two hundred; spread out they tell all."""
    together = clustered_share([10, 0] * 10, [10] * 20, [1.0] * 20)
    spread = clustered_share([5] * 20, [10] * 20, [1.0] * 20)
    assert together.value == spread.value == 0.5
    assert together.bounds == pytest.approx(wilson(0.5, 19), abs=0.01)
    assert spread.bounds == pytest.approx(wilson(0.5, 200), abs=1e-9)


def test_weights_put_a_share_right():
    """A note drawn with a tenth of the probability stands for ten."""
    assert clustered_share([1, 0], [1, 1], [1.0, 10.0]).value == pytest.approx(1 / 11)


def test_shares_cover_what_they_estimate():
    """Over 500 samples of 40 clustered notes the interval holds the true share 92 to 99 times in a hundred."""
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(500):
        rates = generator.beta(2, 6, 40)
        totals = generator.poisson(4, 40) + 1
        low, high = clustered_share(generator.binomial(totals, rates), totals, [1.0] * 40).bounds
        held += low <= 0.25 <= high
    assert 0.92 <= held / 500 <= 0.99


def test_quantile_interval_agrees_with_tables():
    """Conover 1999: the median of 10 lies between the 2nd and the 9th, of 6 between the 1st and the 6th; 5 tell nothing."""
    assert quantile_interval(range(1, 11), 0.5) == (2, 9)
    assert quantile_interval(range(1, 7), 0.5) == (1, 6)
    assert quantile_interval(range(1, 6), 0.5) == (None, None)
    assert quantile_interval([], 0.5) == (None, None)


def test_upper_end_of_a_high_quantile_needs_many():
    """The 95th percentile of 50 observations has no upper end; that of 200 has."""
    assert quantile_interval(range(50), 0.95).high is None
    assert quantile_interval(range(200), 0.95).high is not None


@pytest.mark.parametrize(("n", "q"), [(30, 0.5), (200, 0.95), (1500, 0.95)])
def test_quantiles_are_covered(n, q):
    """Exact and, for many observations, approximate intervals hold the true quantile at least 93 times in a hundred."""
    generator = np.random.default_rng(7)
    true = -np.log(1 - q)
    bounds = [quantile_interval(generator.exponential(size=n), q) for _ in range(500)]
    assert sum((low or 0) <= true <= (high or np.inf) for low, high in bounds) / 500 >= 0.93
