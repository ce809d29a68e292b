"""The benchmark of de-identification: what it plants, what it counts, and floors below what it prints."""

import random

import pytest

from benchmarks import deidentification
from benchmarks.deidentification import Part, measure, outcome_of
from benchmarks.identifiers.planting import Planted, plant
from benchmarks.identifiers.sentences import DEVELOPMENT, HELD_OUT
from benchmarks.identifiers.values import DEVELOPMENT_NAMES, HELD_OUT_NAMES, HELD_OUT_VALUES
from clinical_ner.deidentify import Deidentifier


def test_held_out_shares_nothing_with_what_patterns_were_developed_on():
    """No sentence and no name is in both."""
    assert not set(DEVELOPMENT) & set(HELD_OUT)
    assert not {*DEVELOPMENT_NAMES.given, *DEVELOPMENT_NAMES.surnames} & {*HELD_OUT_NAMES.given, *HELD_OUT_NAMES.surnames}


def test_names_are_of_both_kinds():
    """Recall is measured on enough names of either kind."""
    for name in (*DEVELOPMENT_NAMES, *HELD_OUT_NAMES):
        listed = sum(each in deidentification.LISTED for each in name)
        assert 0.25 < listed / len(name) < 0.7


def test_planted_identifiers_lie_where_they_are_said_to():
    """The note around the sentences is whole, and each identifier is at its place within its sentence."""
    note = plant("first line\nsecond line", ("Seen by {SURNAME} on {DATE}.",), HELD_OUT_VALUES, random.Random(1))
    assert len(note.sentences) == 4
    assert len(note.identifiers) == 8
    for each in note.identifiers:
        before = note.text[: each.start]
        assert before.endswith("Seen by " if each.kind == "NAME" else " on ")
    assert "".join(note.text.split("\n")).count("line") == 2


@pytest.mark.parametrize(("covered", "outcome"), [(range(9), "found"), (range(3), "partly"), ((), "missed")])
def test_an_identifier_is_found_whole_or_not_at_all(covered, outcome):
    """Letters and digits count, what stands between them does not."""
    assert outcome_of(Planted("DATE", 0, 8, ""), "3 Ma. 24", {place for place in covered if place != 5}) == outcome


def test_recall_and_precision_do_not_fall():
    """On 150 held-out notes; the docs tell what 2,000 give."""
    found = measure(Deidentifier(), Part("held out", HELD_OUT, HELD_OUT_VALUES, 11), 150)
    recall = {kind.strip(): counts["found"] / counts.total() for kind, counts in found.outcomes.items()}
    floors = {"NAME": 0.93, "of these on no list": 0.88, "DATE": 0.92}
    assert all(recall[kind] >= floors.get(kind, 0.98) for kind in recall), recall
    assert found.needless <= 0.01 * found.replacements
