import hashlib
import re
from datetime import datetime
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.corpora.synthetic import DRILL, Shift, iter_notes, read_synthetic, synthesize
from clinical_ner.corpora.synthetic.patients import NEW_SITE, NEW_SPECIALTIES, SITES, SPECIALTIES
from clinical_ner.documents import Document, check_document, dump_documents
from clinical_ner.errors import ConfigError
from clinical_ner.labels import encode
from clinical_ner.tokenization import Tokenizer

# Changes with the grammar; every change of it is a new corpus.
DIGEST_OF_50 = "15d9b05a3bfc7a47"
DIGEST_OF_50_SHIFTED = "ea26dafd7b351df8"

shifts = st.builds(Shift, *[st.sampled_from([0.0, 0.5, 1.0])] * len(DRILL))


def digest(documents: list[Document]) -> str:
    return hashlib.sha256(dump_documents(documents)).hexdigest()[:16]


def mentions(documents: list[Document], label: str) -> list[str]:
    return [d.text[e.start : e.end].lower() for d in documents for e in d.entities if e.label == label]


def test_notes_are_the_same_bytes_everywhere() -> None:
    """The first 50 notes of seed 0, unshifted and with every knob, are these bytes on any machine."""
    assert digest(synthesize(50)) == DIGEST_OF_50
    assert digest(synthesize(50, shift=Shift.parse(",".join(DRILL)))) == DIGEST_OF_50_SHIFTED


@settings(deadline=None, max_examples=8)
@given(few=st.integers(0, 25), many=st.integers(25, 40), seed=st.integers(0, 2**40), shift=shifts)
def test_notes_of_a_small_corpus_begin_a_larger_one(few: int, many: int, seed: int, shift: Shift) -> None:
    """Extending a corpus keeps its earlier notes, whatever the seed and the shift."""
    assert synthesize(many, seed=seed, shift=shift)[:few] == synthesize(few, seed=seed, shift=shift)


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**40), shift=shifts)
def test_spans_are_exact_words(seed: int, shift: Shift) -> None:
    """Spans have letters or digits at both ends, cut no word, do not overlap, and every one is expressible in BIO tags."""
    tokenizer = Tokenizer()
    for note in synthesize(10, seed=seed, shift=shift):
        check_document(note, max_note_bytes=1_000_000)
        assert list(note.entities) == sorted(note.entities)
        assert not any(before.overlaps(after) for before, after in pairwise(note.entities))
        assert encode(tokenizer.sentences(note.text), note.entities).unalignable == []
        for entity in note.entities:
            assert re.fullmatch(r"\w|\w[^\n]*\w", note.text[entity.start : entity.end])
            assert not re.match(r"\w\w", note.text[max(0, entity.start - 1) : entity.start + 1]) or entity.start == 0
            assert not re.match(r"\w\w", note.text[entity.end - 1 : entity.end + 1])


def test_notes_hold_no_stray_spaces() -> None:
    """No note has a doubled space, a space at a line's end, or markup of the grammar."""
    for note in [*synthesize(300), *synthesize(100, shift=Shift(new_site=1)), *synthesize(100, shift=Shift(other_style=1))]:
        assert not re.search(r"  | \n| $|[{}<]|SPECIALTY", note.text), note.id


def test_notes_have_the_length_and_density_of_notes() -> None:
    """On average a note has 60 to 85 tokens and 6 to 10 mentions, both labels in fair shares."""
    notes = synthesize(500)
    tokenizer = Tokenizer()
    assert 60 <= sum(len(tokenizer.tokens(note.text)) for note in notes) / 500 <= 85
    assert 6 <= sum(len(note.entities) for note in notes) / 500 <= 10
    share = len(mentions(notes, "DISEASE")) / sum(len(note.entities) for note in notes)
    assert 0.4 <= share <= 0.65


def test_notes_have_all_reserved_metadata() -> None:
    """Each note names patient, site, specialty, source and a time with zone; times rise, ids are unique."""
    notes = synthesize(200, seed=3)
    assert {note.metadata["source"] for note in notes} == {"synthetic"}
    assert {note.metadata["site"] for note in notes} == set(SITES)
    assert {note.metadata["specialty"] for note in notes} == set(SPECIALTIES)
    times = [datetime.fromisoformat(note.metadata["created_at"]) for note in notes]
    assert times == sorted(times)
    assert all(time.tzinfo for time in times)
    assert len({note.id for note in notes}) == 200


def test_patients_have_one_to_four_notes_in_one_specialty() -> None:
    """Ten notes belong to four patients, and a patient has one site and one specialty."""
    notes = synthesize(100)
    places = {(note.group, note.metadata["site"], note.metadata["specialty"]) for note in notes}
    assert len(places) == len({note.group for note in notes}) == 40


def test_seeds_have_other_patients_and_mostly_other_names() -> None:
    """Two seeds share no patient, no id and no text, and under half of the mentions of one occur in the other."""
    ours, theirs = synthesize(300, seed=1), synthesize(300, seed=2)
    for value in (lambda note: note.group, lambda note: note.id, lambda note: note.text):
        assert not {value(note) for note in ours} & {value(note) for note in theirs}
    for label in ("DISEASE", "TREATMENT"):
        known = set(mentions(ours, label))
        assert sum(name in known for name in mentions(theirs, label)) < 0.5 * len(mentions(theirs, label))


@pytest.mark.parametrize(("knob", "kept"), [("new_diseases", "TREATMENT"), ("new_treatments", "DISEASE")])
def test_new_names_change_only_their_label(knob: str, kept: str) -> None:
    """New diseases leave every treatment mention as it was, and the other way round; as many mentions remain."""
    changed = "DISEASE" if kept == "TREATMENT" else "TREATMENT"
    before, after = synthesize(200), synthesize(200, shift=Shift.parse(knob))
    assert mentions(before, kept) == mentions(after, kept)
    known = set(mentions(synthesize(1000, seed=5), changed)) | set(mentions(before, changed))
    share_new = sum(name not in known for name in mentions(after, changed)) / len(mentions(after, changed))
    assert abs(share_new - DRILL[knob]) < 0.08


def test_new_site_moves_patients_to_another_hospital() -> None:
    """About the given share of patients is at the new site with its own specialties; the others' notes are unchanged."""
    before, after = synthesize(400), synthesize(400, shift=Shift(new_site=0.3))
    moved = [note.metadata["site"] == NEW_SITE for note in after]
    assert 0.2 <= sum(moved) / 400 <= 0.4
    for old, new, is_moved in zip(before, after, moved, strict=True):
        assert (old.text != new.text) == is_moved
        assert (new.metadata["specialty"] in NEW_SPECIALTIES) == is_moved


def test_other_style_writes_shorthand_in_lower_case() -> None:
    """About the given share of notes is lower-case shorthand; the others are unchanged, and nobody moves."""
    before, after = synthesize(400), synthesize(400, shift=Shift(other_style=0.3))
    restyled = [note.text == note.text.lower() for note in after]
    assert 0.2 <= sum(restyled) / 400 <= 0.4
    assert [old.text != new.text for old, new in zip(before, after, strict=True)] == restyled
    assert [note.metadata for note in before] == [note.metadata for note in after]


def test_shifted_notes_have_ids_of_their_own() -> None:
    """Notes of one seed with and without a shift can lie in one dataset: no id occurs twice."""
    assert not {note.id for note in synthesize(20)} & {note.id for note in synthesize(20, shift=Shift(new_site=0.5))}


def test_notes_can_be_streamed() -> None:
    """The endless stream yields the notes of the list."""
    assert list(islice(iter_notes(seed=4), 30)) == synthesize(30, seed=4)


def test_a_negative_number_of_notes_is_refused() -> None:
    """A negative number of notes is a configuration error; none is an empty corpus."""
    assert synthesize(0) == []
    with pytest.raises(ConfigError, match="n_notes: -1 is negative"):
        synthesize(-1)


@given(shift=shifts)
def test_shift_text_round_trip(shift: Shift) -> None:
    """A shift is read back from its text."""
    assert Shift.parse(str(shift)) == shift


def test_shift_knobs_default_to_their_drill_value() -> None:
    """A knob without a value has its drill value; spaces do not matter; no text is no shift."""
    assert Shift.parse(" new_diseases , new_site=0.25 ") == Shift(new_diseases=DRILL["new_diseases"], new_site=0.25)
    assert Shift.parse("") == Shift()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("new_doctors", "unknown knob 'new_doctors'; the knobs are new_diseases, new_treatments, new_site, other_style"),
        ("new_site=lots", "new_site='lots' is not a number"),
        ("new_site=", "new_site='' is not a number"),
        ("new_site=1.5", "new_site=1.5 is not a share between 0 and 1"),
        ("new_site=nan", "new_site=nan is not a share"),
        ("new_site,new_site=0.2", "new_site is given twice"),
    ],
)
def test_shift_errors_name_the_knob(text: str, message: str) -> None:
    """What is wrong with a shift is said with the knob's name."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        Shift.parse(text)


def test_uri_describes_a_corpus() -> None:
    """A URI stands for the notes of its parameters; 600 unshifted notes of seed 0 without any."""
    assert read_synthetic("synthetic://?notes=20&seed=3&shift=new_diseases,new_site=0.5") == synthesize(
        20, seed=3, shift=Shift.parse("new_diseases,new_site=0.5")
    )
    assert len(read_synthetic("synthetic://")) == 600


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("synthetic://?note=20", "unknown key 'note' of a synthetic corpus; the keys are notes, seed, shift"),
        ("synthetic://?notes=many", "notes='many' is not a whole number"),
        ("synthetic://?seed=-1", "seed='-1' is not a whole number"),
        ("synthetic://?notes=2&notes=3", "notes is given twice"),
        ("synthetic://?shift=new_doctors", "unknown knob 'new_doctors'"),
        ("synthetic://200", "is not of the form synthetic://?notes=200"),
        ("file:///notes?notes=3", "is not of the form synthetic://?notes=200"),
    ],
)
def test_uri_errors_name_the_key(uri: str, message: str) -> None:
    """What is wrong with a URI is said with the key's name."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_synthetic(uri)
