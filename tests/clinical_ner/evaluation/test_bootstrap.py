import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.evaluation.bootstrap import f1_difference_interval, f1_interval
from clinical_ner.evaluation.counts import strict_score


def random_counts(documents, seed=0, *, correct=0.8):
    """Counts of one label: 3 gold and 3 predicted spans a note, each right with probability ``correct``."""
    both = np.random.default_rng(seed).binomial(3, correct, size=documents)
    counts = np.zeros((documents, 1, 5), dtype=np.int64)
    counts[:, 0] = np.stack([np.full(documents, 3), np.full(documents, 3), both, both, both], axis=1)
    return counts


def test_interval_contains_the_point_estimate():
    """And is no wider than the scores that notes have."""
    for seed in range(5):
        counts = random_counts(60, seed)
        low, high = f1_interval(counts, seed=seed)
        assert 0 <= low < strict_score(counts).f1 < high <= 1


def test_interval_is_the_normal_one_for_many_notes():
    """For a mean of independent notes the percentile interval is close to mean +- 1.96 standard errors."""
    counts = random_counts(400)
    scores = counts[:, 0, 2] / 3
    error = 1.96 * scores.std() / np.sqrt(len(scores))
    assert f1_interval(counts, resamples=4000) == pytest.approx((scores.mean() - error, scores.mean() + error), abs=0.003)


def test_interval_narrows_as_notes_grow():
    """Four times the notes, half the width."""
    widths = [high - low for low, high in (f1_interval(random_counts(size)) for size in (50, 200, 800))]
    assert widths[0] / widths[1] == pytest.approx(2, abs=0.6)
    assert widths[1] / widths[2] == pytest.approx(2, abs=0.6)


def test_interval_is_repeatable_by_seed():
    """The same seed draws the same notes; another draws others."""
    counts = random_counts(50)
    assert f1_interval(counts, seed=4) == f1_interval(counts, seed=4) != f1_interval(counts, seed=5)


def test_notes_are_resampled_whole():
    """Spans of one note are not independent: many spans in few notes say as little as few spans in few notes."""
    few = random_counts(30)
    assert f1_interval(few * 50) == f1_interval(few)


def test_interval_of_nothing_is_zero():
    """No notes, or notes without spans, give zeros and no warning."""
    nothing = np.zeros((0, 1, 5), dtype=np.int64)
    assert f1_interval(nothing) == f1_difference_interval(nothing, nothing) == (0, 0)
    assert f1_interval(np.zeros((9, 2, 5), dtype=np.int64)) == (0, 0)


@settings(max_examples=20)
@given(st.integers(1, 60), st.integers(0, 9))
def test_model_does_not_differ_from_itself(documents, seed):
    """Both models are scored on the same resamples, so that the difference is exactly nothing."""
    counts = random_counts(documents, seed)
    assert f1_difference_interval(counts, counts, seed=seed) == (0, 0)


def test_difference_is_paired():
    """One span more right in each tenth note is seen as such, though both F1 are uncertain by far more."""
    champion = random_counts(200, correct=0.6)
    challenger = champion.copy()
    rows = np.flatnonzero(champion[:, 0, 2] < 3)[:20]
    challenger[rows, 0, 2:] += 1
    low, high = f1_difference_interval(challenger, champion)
    assert 0 < low < 20 / 600 < high < 0.06
    alone_low, alone_high = f1_interval(challenger)
    assert alone_high - alone_low > 1.5 * (high - low)


def test_difference_is_signed():
    """Positive where the challenger is better; exchanged, the interval is mirrored."""
    one, other = random_counts(80, 1, correct=0.9), random_counts(80, 2, correct=0.4)
    low, high = f1_difference_interval(one, other)
    assert 0.3 < low < high < 0.7
    assert f1_difference_interval(other, one) == pytest.approx((-high, -low))


def test_labels_are_averaged_over_their_spans():
    """Micro-average: a label with few spans weighs little."""
    counts = np.zeros((10, 2, 5), dtype=np.int64)
    counts[:, 0], counts[:, 1] = (9, 9, 9, 9, 9), (1, 1, 0, 0, 0)
    assert f1_interval(counts) == pytest.approx((0.9, 0.9))
