import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import Entity
from clinical_ner.evaluation.counts import Score, count_spans, overlap_score, strict_score

D, T = "DISEASE", "TREATMENT"
LABELS = [D, T]
spans = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 5), st.sampled_from(LABELS)).map(lambda t: Entity(t[0], t[0] + t[1], t[2]))
)
corpora = st.lists(st.tuples(spans, spans), min_size=1, max_size=5)


def count(pairs, labels=LABELS):
    return count_spans([gold for gold, _ in pairs], [predicted for _, predicted in pairs], labels)


def test_counts_of_a_note_counted_by_hand():
    """Columns: gold, predicted, both, gold overlapped, predicted that overlaps gold; labels do not mix."""
    gold = [Entity(0, 4, D), Entity(6, 9, D), Entity(20, 25, D), Entity(30, 33, T)]
    predicted = [Entity(0, 4, D), Entity(6, 12, D), Entity(30, 33, D), Entity(40, 44, T)]
    counts = count([(gold, predicted), ([], [])])
    assert counts.shape == (2, 2, 5)
    assert counts[0].tolist() == [[3, 3, 1, 2, 2], [1, 1, 0, 0, 0]]
    assert not counts[1].any()


def test_scores_counted_by_hand():
    """Strict: 1 of 4 both ways. Overlap: 2 of 4 both ways. Per label as its own counts say."""
    counts = np.array([[[3, 3, 1, 2, 2], [1, 1, 0, 0, 0]]])
    assert strict_score(counts) == (0.25, 0.25, 0.25)
    assert overlap_score(counts) == (0.5, 0.5, 0.5)
    assert strict_score(counts[:, 0]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert strict_score(counts[:, 1]) == (0, 0, 0)


def test_precision_and_recall_differ_where_counts_do():
    """Precision is of the predicted, recall of the gold spans; F1 is their harmonic mean."""
    assert strict_score(np.array([4, 2, 1, 3, 2])) == Score(0.5, 0.25, pytest.approx(1 / 3))
    assert overlap_score(np.array([4, 2, 1, 3, 2])) == Score(1.0, 0.75, pytest.approx(6 / 7))


def test_one_long_prediction_finds_both_gold_spans_it_covers():
    """Overlap asks for no pairing: two gold spans are found by one prediction, and the other way round."""
    gold = [Entity(0, 4, D), Entity(6, 9, D)]
    assert count([(gold, [Entity(0, 9, D)])])[0, 0].tolist() == [2, 1, 0, 2, 1]
    assert count([([Entity(0, 9, D)], gold)])[0, 0].tolist() == [1, 2, 0, 1, 2]


def test_touching_spans_do_not_overlap():
    """Half-open: a span that ends where another starts shares no code point with it."""
    assert count([([Entity(0, 4, D)], [Entity(4, 6, D)])])[0, 0].tolist() == [1, 1, 0, 0, 0]


def test_repeated_spans_count_once():
    """A span written twice is one span."""
    span = Entity(0, 4, D)
    assert count([([span, span], [span, span, span])])[0, 0].tolist() == [1, 1, 1, 1, 1]


def test_labels_outside_the_list_are_not_counted():
    """Only asked labels have columns; nothing at all gives zeros, not an error."""
    assert count([([Entity(0, 1, T)], [Entity(0, 1, T)])], [D]).sum() == 0
    assert strict_score(count([([], [])], [])) == overlap_score(count([], [])) == (0, 0, 0)


def test_gold_and_predictions_pair_up():
    """A missing note is a mistake of the caller, not a note without predictions."""
    with pytest.raises(ValueError, match="zip"):
        count_spans([[], []], [[]], LABELS)


@given(corpora)
def test_scores_lie_between_0_and_1(pairs):
    """And overlap is never below strict, by any of the three."""
    counts = count(pairs)
    strict, overlap = strict_score(counts), overlap_score(counts)
    assert all(0 <= value <= 1 for value in (*strict, *overlap))
    assert all(loose >= exact - 1e-12 for loose, exact in zip(overlap, strict, strict=True))


@given(corpora)
def test_perfect_predictions_score_1(pairs):
    """Predicting gold itself scores 1 wherever there is gold."""
    counts = count([(gold, gold) for gold, _ in pairs])
    expected = 1.0 if any(gold for gold, _ in pairs) else 0.0
    assert strict_score(counts) == overlap_score(counts) == (expected,) * 3


@given(corpora)
def test_swapping_gold_and_prediction_swaps_precision_and_recall(pairs):
    """F1 does not know which side is gold."""
    there, back = (strict_score(count(side)) for side in (pairs, [(predicted, gold) for gold, predicted in pairs]))
    assert back == pytest.approx((there.recall, there.precision, there.f1))
