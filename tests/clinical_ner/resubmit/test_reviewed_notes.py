"""Reviewed notes that judge models and train none."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import Document, Entity
from clinical_ner.resubmit.reviewed_notes import REVIEWED_TEST_FRACTION, divide, is_reviewed_test
from clinical_ner.splitting import text_key

UNIFORM, LOW = {"stratum": "uniform"}, {"stratum": "low-confidence"}


def review(identifier, text, metadata, label="DISEASE"):
    """A correction of a review sample."""
    return Document(identifier, text, (Entity(0, 1, label),), metadata)


def ids(documents):
    return {document.id for document in documents}


METADATA = st.sampled_from([UNIFORM, UNIFORM, LOW, {}, {**UNIFORM, "group_id": "ada"}, {**LOW, "group_id": "ada"}])
# Few texts, in two spellings, and unique ids, as record ids are: equal notes, patients and both strata meet often.
TEXTS = st.builds(lambda number, gap: f"note{gap}number {number}", st.integers(0, 12), st.sampled_from([" ", "  "]))
CORRECTIONS = st.lists(st.tuples(TEXTS, METADATA), max_size=25).map(
    lambda drawn: [review(f"record-{number}", *each) for number, each in enumerate(drawn)]
)
SEEDS = st.integers(0, 50)


@given(CORRECTIONS, st.integers(0, 25), SEEDS)
def test_further_corrections_move_nothing_between_the_sides(corrections, first, seed):
    """What was held out stays so, and what trained is never held out, whatever is corrected later."""
    before, after = divide(corrections[:first], [], seed), divide(corrections, [], seed)
    assert ids(before.held_out) <= ids(after.held_out)
    assert not ids(before.training) & ids(after.held_out)


@given(CORRECTIONS, st.integers(0, 25), SEEDS)
def test_what_was_trained_on_is_never_held_out_later(corrections, first, seed):
    """Over two retrains: no note, text or patient of the first one's training judges, and none of its held-out notes trains."""
    before = divide(corrections[:first], [], seed)
    after = divide(corrections, before.training, seed)
    assert ids(before.held_out) <= ids(after.held_out)
    for held in after.held_out:
        for trained in [*before.training, *after.training]:
            assert text_key(held.text) != text_key(trained.text)
            assert held.group != trained.group


@given(CORRECTIONS, SEEDS)
def test_sides_share_no_text_and_no_patient(corrections, seed):
    """A group is never split, and a text that judges trains under no other id."""
    made = divide(corrections, [], seed)
    for name in (lambda each: text_key(each.text), lambda each: each.group):
        assert not {name(each) for each in made.held_out} & {name(each) for each in made.training}
    lost = ids(corrections) - ids(made.held_out) - ids(made.training)
    assert all(not is_reviewed_test(each, seed) for each in corrections if each.id in lost)


@given(CORRECTIONS, SEEDS)
def test_only_uniformly_drawn_notes_judge(corrections, seed):
    """Notes that a model was unsure of, or that somebody chose, would say too little of the traffic."""
    assert all(each.metadata.get("stratum") == "uniform" for each in divide(corrections, [], seed).held_out)


def test_corrections_without_stratum_all_train():
    """A dataset that a person gives by hand is there to train on."""
    given_by_hand = [review(f"record-{number}", f"note {number}", {}) for number in range(200)]
    assert divide(given_by_hand, [], 0) == ([], given_by_hand)


def test_share_of_held_out_notes_is_the_stated_one():
    """Three in ten of many notes; another seed holds out others."""
    notes = [review(f"record-{number}", f"note {number}", UNIFORM) for number in range(5000)]
    held = [divide(notes, [], seed).held_out for seed in (0, 1)]
    assert abs(len(held[0]) / len(notes) - REVIEWED_TEST_FRACTION) < 0.02
    assert len(ids(held[0]) & ids(held[1])) < 0.12 * len(notes)


def test_corrected_anew_a_note_stays_on_its_side():
    """Membership hangs on the note, not on what reviewers say of it or which record it was."""
    for number in range(50):
        note = review("a", f"note {number}", UNIFORM)
        again = replace(note, id="b", entities=(), text=f"  note  {number}\n")
        assert is_reviewed_test(note, 3) == is_reviewed_test(again, 3)
