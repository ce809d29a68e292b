"""Names that no list has: by pairs, and by what people do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.deidentify.unlisted_names import find_unlisted_names, is_plausible, may_be_name, note_words


def names_in(text):
    return [text[each.start : each.end] for each in find_unlisted_names(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mirek Jankowski attended.", ["Mirek Jankowski"]),
        ("MIREK JANKOWSKI attended.", ["MIREK JANKOWSKI"]),
        ("Tove van der Halm and Mirek J. Zubek", ["Tove van der Halm", "Mirek J. Zubek"]),
        ("Jankowska reports nausea", ["Jankowska"]),
        ("Tove was seen at noon", ["Tove"]),
        ("Halvard's daughter rang", ["Halvard"]),
        ("Tove (next of kin) is told", ["Tove"]),
        ("discussed with Halvard from cardiology", ["Halvard"]),
        ("operator Halvard, assistant Zubek", ["Halvard", "Zubek"]),
        ("Night team (Halvard/Zubek) aware", ["Halvard", "Zubek"]),
        ("signed by Halvard, Tove on", ["Halvard, Tove"]),
        ("O'Malley-Zubek states", ["O'Malley-Zubek"]),
    ],
)
def test_names_are_found(text, names):
    """Two capitalised words that are none of notes are a name; one is where only a person can stand."""
    assert names_in(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Ozempic was started, then Zofran and Keytruda.",
        "Pt with Kayexalate, who came back",
        "a case of HUS; Finnish AKU pedigrees; Massive CBZ overdose",
        "Lantus Solostar and Spiriva Respimat; Zera Forte",
        "Acute Kidney Injury, Chronic Heart Failure, Systemic Symptoms",
        "Takayasu Zubek disease and the Halvard Tove sign",
        "PAST MEDICAL HISTORY: CT ABDOMEN NORMAL",
        "Amoxicillin Clavulanate; Hypertriglyceridemia Nephropathy",
        "Zubekol given; later zubekol stopped. Zubekol reports",
    ],
)
def test_drugs_and_diseases_are_left(text):
    """Brands, abbreviations, headings, eponyms before their noun, and what the note writes small as well are no names."""
    assert names_in(text) == []


@given(st.text(st.sampled_from("AaZz .,'-/(\n\u2019é\U0001f48a9"), max_size=60))
def test_offsets_are_of_capitalised_words(text):
    """Whatever the text, names lie within it, apart and in order, and begin with a capital."""
    end = 0
    for each in find_unlisted_names(text):
        assert end <= each.start < each.end <= len(text)
        assert text[each.start].isupper()
        end = each.end


def test_note_words_are_small_letters_and_no_name_by_themselves():
    """The list is what it is compared with."""
    assert all(word == word.lower() for word in note_words())
    assert not [word for word in note_words() if len(word) > 1 and may_be_name(word.title(), set())]


def test_initials_before_a_word_of_notes_are_no_name():
    """A supposed name holds a frequent name or a word that no note would write."""
    assert not is_plausible("C. Social")
    assert not is_plausible("B. Anaemia")
    assert is_plausible("C. Zubek")
    assert is_plausible("T. Thomas")
