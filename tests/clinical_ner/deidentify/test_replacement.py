"""Placeholders for identifiers, and predictions that follow the text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.deidentify import Identifier, Kind, replace_identifiers
from clinical_ner.deidentify.replacement import merge
from clinical_ner.documents import ScoredEntity

TEXTS = st.text(st.sampled_from("ab \n\U0001f48aé[]"), min_size=1, max_size=40)


@st.composite
def spans(draw, length):
    start = draw(st.integers(0, length - 1))
    return start, draw(st.integers(start + 1, length))


@st.composite
def marked_texts(draw):
    """A text, identifiers anywhere in it, overlapping ones too, and entities anywhere."""
    text = draw(TEXTS)
    identifiers = [Identifier(*span, draw(st.sampled_from(Kind))) for span in draw(st.lists(spans(len(text)), max_size=6))]
    entities = [ScoredEntity(*span, "A", 0.5) for span in draw(st.lists(spans(len(text)), max_size=6))]
    return text, identifiers, entities


@given(marked_texts())
def test_moved_entities_hold_the_text_they_had(marked):
    """An entity apart from all identifiers holds the same text afterwards; any other is dropped and counted."""
    text, identifiers, entities = marked
    apart = [each for each in entities if all(one.end <= each.start or each.end <= one.start for one in identifiers)]
    safe = replace_identifiers(text, identifiers)
    moved = safe.move(entities)
    assert [safe.text[each.start : each.end] for each in moved.entities] == [text[each.start : each.end] for each in apart]
    assert [(each.label, each.score) for each in moved.entities] == [(each.label, each.score) for each in apart]
    assert moved.dropped == len(entities) - len(apart)


@given(marked_texts())
def test_replacement_keeps_what_is_no_identifier_and_nothing_else(marked):
    """Around the placeholders stands what stood around the identifiers, code point by code point."""
    text, identifiers, _ = marked
    safe = replace_identifiers(text, identifiers)
    covered = {place for each in identifiers for place in range(each.start, each.end)}
    pieces, end = [], 0
    for each in safe.identifiers:
        pieces += [text[end : each.start], each.placeholder]
        end = each.end
    assert safe.text == "".join(pieces) + text[end:]
    assert {place for each in safe.identifiers for place in range(each.start, each.end)} == covered


@given(marked_texts())
def test_merged_identifiers_are_apart(marked):
    """Merging orders identifiers and leaves no two that overlap."""
    merged = merge(marked[1])
    assert all(one.end <= other.start for one, other in pairwise(merged))


def test_merge_takes_the_kind_of_the_longest():
    """A year within a longer address is part of the address, whichever begins first."""
    merged = merge([Identifier(0, 4, Kind.DATE), Identifier(2, 20, Kind.ADDRESS), Identifier(18, 22, Kind.ID)])
    assert merged == [Identifier(0, 22, Kind.ADDRESS)]


def test_counts_are_of_replaced_identifiers():
    """What was replaced is counted by kind; what is left of a merge counts once."""
    safe = replace_identifiers(
        "abcdef", [Identifier(0, 2, Kind.NAME), Identifier(1, 3, Kind.NAME), Identifier(4, 5, Kind.DATE)]
    )
    assert safe.counts == {"DATE": 1, "NAME": 1}
    assert safe.text == "[NAME]d[DATE]f"


def test_deidentified_text_is_in_no_representation():
    """A log line or a traceback that shows the object shows no text."""
    assert "Zebulon" not in repr(replace_identifiers("Zebulon", []))
