import numpy as np
import pytest
from scipy import stats

from clinical_ner.drift import significance
from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.significance import holm, p_value


def test_shape_test_is_the_chi_square_test_of_homogeneity():
    """With full bins and independent values the p value is that of the textbook test."""
    reference, window = np.array([0, 100, 120, 90, 90, 0]), np.array([0, 30, 20, 20, 30, 0])
    expected = stats.chi2_contingency(np.array([reference[1:-1], window[1:-1]]), correction=False).pvalue
    assert significance._shape_test(reference, window, 1.0) == pytest.approx(expected)


def test_shape_test_of_two_bins_is_exact():
    """Two bins, however empty one is, are tested by Fisher's exact test, doubled."""
    reference, window = np.array([0, 299, 1, 0]), np.array([0, 46, 4, 0])
    tail = stats.hypergeom.sf(3, 350, 5, 50)
    assert significance._shape_test(reference, window, 1.0) == pytest.approx(2 * tail)


def test_rank_test_is_that_of_mann_and_whitney():
    """Counts by value give the p value of the test on the values, ties corrected."""
    generator = np.random.default_rng(0)
    before, now = generator.poisson(20, 400), generator.poisson(21.5, 150)
    counts = [np.bincount(sample, minlength=60) for sample in (before, now)]
    expected = stats.mannwhitneyu(before, now, method="asymptotic", use_continuity=False).pvalue
    assert significance._rank_test(*counts, 1.0) == pytest.approx(expected, rel=1e-2)


def test_rank_test_is_not_asked_of_a_column_that_hardly_varies():
    """Where nearly all values are the same the normal distribution says nothing, and the test has no opinion."""
    assert significance._rank_test(np.array([9_990, 10]), np.array([48, 2]), 1.0) == 1.0


def test_mean_test_is_that_of_two_means():
    """Counts by value give the p value of a z test on the values with their pooled variance."""
    generator = np.random.default_rng(0)
    before, now = generator.poisson(20, 4_000), generator.poisson(20.3, 1_500)
    counts = [np.bincount(sample, minlength=60) for sample in (before, now)]
    scale = np.concatenate([before, now]).std() * np.sqrt(1 / 4_000 + 1 / 1_500)
    expected = 2 * stats.norm.sf(abs(now.mean() - before.mean()) / scale)
    assert significance._mean_test(*counts, 1.0) == pytest.approx(expected)


def test_mean_test_is_not_asked_of_few_skewed_values():
    """A long tail makes the mean of a small sample anything but normal, and the test has no opinion."""
    counts = [
        np.bincount(np.random.default_rng(seed).geometric(0.5, size), minlength=60) for seed, size in ((0, 1_000), (1, 90))
    ]
    assert significance._mean_test(*counts, 1.0) == 1.0


def test_outside_test_is_the_probability_that_the_outermost_values_are_all_the_windows():
    """Two windows' values above all of the reference's: the chance that a random order puts them there, at either end."""
    reference, window = np.array([0, 90, 0]), np.array([0, 8, 2])
    expected = 10 / 100 * 9 / 99
    assert significance._outside_test(reference, window, 1.0) == pytest.approx(2 * expected)


def test_p_value_of_clusters_is_that_of_independent_values():
    """Each value four times over, with a design effect of four, says what it says once."""
    reference, window = np.array([0, 100, 120, 90, 90, 0]), np.array([0, 40, 20, 20, 40, 0])
    once = p_value((reference, window), (reference, window), 1.0)
    fourfold = p_value((4 * reference, 4 * window), (4 * reference, 4 * window), 4.0)
    assert fourfold == pytest.approx(once, rel=0.05)


def test_p_value_of_an_empty_sample_is_one():
    """Nothing is known of a column without values."""
    assert p_value((np.array([5]), np.array([0])), (np.array([0, 5, 0]), np.array([0, 0, 0])), 1.0) == 1.0


def test_holm_adjusts_as_published():
    """The smallest is multiplied by the number of them, the next by one less, and none falls below the one before."""
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])


@pytest.mark.parametrize("sizes", [(300, 50), (300, 1_000), (1_000, 200)])
def test_p_value_is_below_alpha_as_often_as_alpha_says(sizes):
    """Of undrifted samples of every pair of sizes, at most about 5 % have a p value below 5 %."""
    generator = np.random.default_rng(1)
    below = sum(_p_of_undrifted(generator, *sizes) <= 0.05 for _ in range(600))
    assert below <= 45


def _p_of_undrifted(generator, reference_size, window_size):
    fine = [np.bincount(generator.poisson(30, size), minlength=100) for size in (reference_size, window_size)]
    binning = binning_of(fine[0])
    return p_value((fine[0], fine[1]), (binning.count(fine[0]), binning.count(fine[1])), 1.0)
