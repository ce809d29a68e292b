import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.reports.masking import mask_text


def test_mask_text_keeps_the_shape_of_a_note():
    """Case, digits, punctuation and line breaks can be told; words cannot."""
    assert mask_text("Mrs O'Neil, 84y:\n5.5 mg b.i.d.") == "Xxx X'Xxxx, 00x:\n0.0 xx x.x.x."


@given(st.text())
def test_mask_text_leaves_no_letter_or_digit(text):
    """Of any Unicode text nothing is left but x, X, 0, white space, punctuation and ASCII symbols."""
    masked = mask_text(text)
    assert len(masked) == len(text)
    for character in masked:
        category = unicodedata.category(character)
        assert character in "xX0" or not (character.isalnum() or category.startswith("M"))
        assert character.isascii() or character.isspace() or category.startswith("P")


@given(st.text(alphabet=st.characters(categories=["L", "M", "N"]), min_size=1))
def test_mask_text_of_equal_shapes_is_equal(text):
    """Two words that differ in letters alone cannot be told apart once masked."""
    swapped = "".join("Q" if mask_text(c) == "X" else "7" if mask_text(c) == "0" else "q" for c in text)
    assert mask_text(swapped) == mask_text(text)
