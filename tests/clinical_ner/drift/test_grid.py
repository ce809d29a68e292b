import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.drift.grid import grid_of

COUNTS = st.lists(st.integers(0, 10**9), min_size=1)
SHARES = st.lists(st.floats(0, 1), min_size=1)


@given(COUNTS)
def test_grid_of_counts_keeps_them_exactly_when_small_and_closely_when_large(values):
    """A whole number's bin begins at the number, or at most 1/2,048 of it below."""
    numbers = np.array(values, dtype=float)
    grid = grid_of("tokens")
    starts = grid.value(grid.index(numbers))
    assert (starts <= numbers).all()
    assert (numbers - starts <= numbers / 2048).all()
    assert (starts[numbers < 4096] == numbers[numbers < 4096]).all()


@pytest.mark.parametrize(("column", "scale"), [("oov_rate", 1), ("score.DISEASE", 1), ("entities_per_100_tokens.DISEASE", 100)])
@given(values=SHARES)
def test_grid_of_shares_has_4096_bins(column, scale, values):
    """A share's bin begins at most 1/4,096 of the scale below it."""
    numbers = np.array(values) * scale
    grid = grid_of(column)
    starts = grid.value(grid.index(numbers))
    assert (np.abs(numbers - starts) <= scale / 4096 + 1e-9).all()


@given(COUNTS)
def test_grid_keeps_order(values):
    """A larger value never falls into a lower bin."""
    numbers = np.sort(np.array(values, dtype=float))
    assert (np.diff(grid_of("characters").index(numbers)) >= 0).all()
