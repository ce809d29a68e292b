from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import Entity
from clinical_ner.evaluation.matching import NOTHING, Match, Outcome, confusion_matrix, match_spans

D, T = "DISEASE", "TREATMENT"
spans = st.lists(
    st.tuples(st.integers(0, 15), st.integers(1, 6), st.sampled_from([D, T])).map(lambda t: Entity(t[0], t[0] + t[1], t[2])),
    max_size=6,
)


@pytest.mark.parametrize(
    ("gold", "predicted", "outcome"),
    [
        (Entity(0, 4, D), Entity(0, 4, D), Outcome.CORRECT),
        (Entity(0, 4, D), Entity(0, 6, D), Outcome.BOUNDARY),
        (Entity(0, 4, D), Entity(3, 4, D), Outcome.BOUNDARY),
        (Entity(0, 4, D), Entity(0, 4, T), Outcome.LABEL),
        (Entity(0, 4, D), Entity(2, 6, T), Outcome.LABEL),
    ],
)
def test_overlapping_pair_has_the_outcome_of_what_differs(gold, predicted, outcome):
    """A wrong label is the error, whatever the boundaries."""
    assert match_spans([gold], [predicted]) == [Match(gold, predicted)]
    assert Match(gold, predicted).outcome is outcome


def test_spans_without_a_partner_are_missed_or_spurious():
    """Touching is not overlapping."""
    gold, predicted = Entity(0, 4, D), Entity(4, 8, D)
    matches = match_spans([gold], [predicted])
    assert matches == [Match(gold, None), Match(None, predicted)]
    assert [match.outcome for match in matches] == [Outcome.MISSED, Outcome.SPURIOUS]


def test_equal_spans_are_paired_before_larger_overlaps():
    """A prediction that is right is never given to a neighbour that it overlaps more."""
    inner, outer = Entity(2, 4, D), Entity(0, 10, D)
    assert match_spans([outer, inner], [inner]) == [Match(outer, None), Match(inner, inner)]
    wide = Entity(1, 10, D)
    assert match_spans([inner, outer], [wide, inner]) == [Match(outer, wide), Match(inner, inner)]


def test_largest_overlap_is_paired_first():
    """Of several the closest; of equally close the one with the right label."""
    gold, near, far = Entity(0, 10, D), Entity(4, 12, T), Entity(0, 3, D)
    assert set(match_spans([gold], [far, near])) == {Match(gold, near), Match(None, far)}
    wrong, right = Entity(0, 5, T), Entity(5, 10, D)
    assert set(match_spans([gold], [wrong, right])) == {Match(gold, right), Match(None, wrong)}


@given(spans, spans)
def test_every_span_is_in_exactly_one_match(gold, predicted):
    """None is lost, none is used twice, matches are in the order of the text, and pairs do overlap."""
    matches = match_spans(gold, predicted)
    assert sorted(match.gold for match in matches if match.gold) == sorted(set(gold))
    assert sorted(match.predicted for match in matches if match.predicted) == sorted(set(predicted))
    assert all(match.gold.overlaps(match.predicted) for match in matches if match.gold and match.predicted)
    assert all((one.gold or one.predicted) <= (two.gold or two.predicted) for one, two in pairwise(matches))
    left = [(m.gold, n.predicted) for m in matches for n in matches if m.predicted is None and n.gold is None]
    assert not any(one.overlaps(other) for one, other in left)
    assert sum(match.outcome is Outcome.CORRECT for match in matches) == len(set(gold) & set(predicted))


def test_confusion_matrix_counted_by_hand():
    """Rows are gold, columns predicted, the last of both is nothing; the last cell stays empty."""
    gold = [[Entity(0, 4, D), Entity(5, 9, D), Entity(10, 14, T)], [Entity(0, 2, D)], []]
    predicted = [[Entity(0, 4, D), Entity(5, 8, T), Entity(20, 24, T)], [], [Entity(3, 5, D)]]
    assert NOTHING not in (D, T)
    assert confusion_matrix(gold, predicted, [D, T]).tolist() == [
        [1, 1, 1],  # gold DISEASE: found, called TREATMENT, missed
        [0, 0, 1],  # gold TREATMENT: missed
        [1, 1, 0],  # spurious
    ]


@given(st.lists(st.tuples(spans, spans), max_size=4))
def test_confusion_matrix_adds_up_to_gold_and_predicted(notes):
    """Each row sums to a label's gold spans, each column to its predicted ones."""
    matrix = confusion_matrix([gold for gold, _ in notes], [predicted for _, predicted in notes], [D, T])
    for position, label in enumerate([D, T]):
        assert matrix[position].sum() == sum(span.label == label for gold, _ in notes for span in set(gold))
        assert matrix[:, position].sum() == sum(span.label == label for _, predicted in notes for span in set(predicted))
    assert matrix[2, 2] == 0
