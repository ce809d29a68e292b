import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.drift.bins import MAX_BINS, binning_of

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=80).filter(any).map(np.array)


@given(COUNTS)
def test_binning_leaves_its_outer_bins_empty_and_fills_all_others(counts):
    """The reference lies in the inner bins alone, and in each of them."""
    binned = binning_of(counts).count(counts)
    assert binned[0] == binned[-1] == 0
    assert (binned[1:-1] > 0).all()
    assert binned.sum() == counts.sum()
    assert len(binned) <= MAX_BINS + 2


@given(COUNTS)
def test_binning_puts_what_the_reference_does_not_reach_outside(counts):
    """A value below the least or above the largest of the reference is outside."""
    filled = np.flatnonzero(counts)
    binning = binning_of(counts)
    assert binning.assign(np.array([filled[0] - 1, filled[-1] + 1])).tolist() == [0, binning.size - 1]


def test_binning_of_few_values_has_a_bin_for_each():
    """Up to ten different values are counted one by one."""
    assert binning_of(np.array([0, 7, 0, 1, 90])).count(np.array([3, 1, 0, 2, 4, 5])).tolist() == [3, 1, 2, 4, 5]


def test_binning_of_many_values_has_about_equal_shares():
    """A thousand different values fall into ten bins of a hundred."""
    assert binning_of(np.ones(1_000, dtype=int)).count(np.ones(1_000, dtype=int))[1:-1].tolist() == [100] * 10


def test_binning_without_values_is_refused():
    """An empty reference has no bins."""
    with pytest.raises(ValueError, match="no bins"):
        binning_of(np.zeros(5, dtype=int))
