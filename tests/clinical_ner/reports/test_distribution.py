from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.reports.distribution import MAX_BINS, Distribution, distribution_of


@given(st.lists(st.integers(0, 100_000), min_size=1))
def test_distribution_bins_hold_every_value_once(values):
    """Each bin counts exactly the values between its ends, and the bins leave none out."""
    distribution = distribution_of(values)
    for bin_ in distribution.bins:
        last = max(values) if bin_.last is None else bin_.last
        assert bin_.count == sum(bin_.first <= value <= last for value in values)
    assert sum(bin_.count for bin_ in distribution.bins) == len(values)
    assert len(distribution.bins) <= MAX_BINS + 2


def test_distribution_puts_one_huge_value_into_an_open_bin():
    """A single outlier does not widen the other bins."""
    bins = distribution_of([*range(1, 11)] * 20 + [1_000_000]).bins
    assert [bin_.name for bin_ in bins[:2]] == ["1", "2"]
    assert bins[-1].last is None
    assert bins[-1].count == 1


def test_distribution_of_nothing_is_empty():
    """No value, no bin, and every quantile 0."""
    assert distribution_of([]) == Distribution()
