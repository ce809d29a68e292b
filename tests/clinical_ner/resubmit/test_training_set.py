"""The data of the next training."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.datasets import describe_dataset, store_dataset
from clinical_ner.documents import Document, Entity
from clinical_ner.model_package import MANIFEST, parse_manifest
from clinical_ner.resubmit.training_set import build_training_set, merge_corrections
from clinical_ner.splitting import text_key
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import notes, reviewed


@pytest.fixture
def manifest_of(file_uri, model):
    """``manifest_of(documents, test=())``: store them, and what a model made of them says of itself."""

    def build(documents, test=()):
        given = {"train": documents, "test": test} if test else {"train": documents}
        storage = open_storage(file_uri)
        digests = {role: store_dataset(storage, each, reader="f", parameters={}).digest for role, each in given.items()}
        return parse_manifest(model(digests)[MANIFEST])

    return build


@pytest.fixture
def build(file_uri, manifest_of):
    """``build(documents, corrections, test=())``: the training set of a champion made of ``documents``."""

    def build(documents, *corrections, test=()):
        storage = open_storage(file_uri)
        champion = manifest_of(documents, test)
        digests = [store_dataset(storage, each, reader="f", parameters={}).digest for each in corrections]
        return build_training_set(storage, champion, digests)

    return build


def doc(identifier, text, label="DISEASE", **metadata):
    return Document(identifier, text, (Entity(0, 2, label),), metadata)


def test_merge_lets_corrections_win_in_place():
    """A correction replaces the document of its id where it stands; new ones follow, by id."""
    before = [doc("a", "gout here"), doc("b", "flu there")]
    merged = merge_corrections(before, [doc("z", "new"), doc("a", "gout here", "TREATMENT"), doc("c", "newer")])
    assert [(document.id, document.entities[0].label) for document in merged] == [
        ("a", "TREATMENT"),
        ("b", "DISEASE"),
        ("c", "DISEASE"),
        ("z", "DISEASE"),
    ]


def test_merge_keeps_id_and_patient_of_an_equal_text():
    """A correction of a text that is known under another id changes its labels and moves no patient."""
    merged = merge_corrections([doc("a", "gout  here", group_id="p1")], [doc("x", "gout here", "TREATMENT", group_id="p2")])
    assert merged == [doc("a", "gout here", "TREATMENT", group_id="p1")]


def test_merge_of_an_unchanged_review_changes_nothing():
    """A reviewer who agrees brings no new data, whatever id the review has."""
    before = [doc("a", "gout here", group_id="p1")]
    assert merge_corrections(before, [doc("x", "gout here", reviewer="r")]) == before


def test_merge_takes_the_last_of_several_corrections():
    """Of corrections with one id or one text the last one counts, once."""
    merged = merge_corrections([], [doc("a", "gout"), doc("a", "gout!"), doc("b", "flu"), doc("c", "flu", "TREATMENT")])
    assert merged == [doc("a", "gout!"), doc("c", "flu", "TREATMENT")]


TEXTS = st.sampled_from(["gout here", "gout  here", "flu there", "asthma", "otitis now"])
DOCUMENTS = st.lists(st.builds(doc, st.sampled_from("abcdef"), TEXTS, st.sampled_from(["DISEASE", "TREATMENT"])), max_size=6)


@given(DOCUMENTS.map(lambda found: list({document.id: document for document in found}.values())), DOCUMENTS)
def test_merge_loses_nobody_and_settles(before, corrections):
    """Every id stays in its place, each new text comes once, and merging again changes nothing."""
    merged = merge_corrections(before, corrections)
    assert [document.id for document in merged[: len(before)]] == [document.id for document in before]
    assert len({document.id for document in merged}) == len(merged)
    new = [text_key(document.text) for document in merged[len(before) :]]
    assert len(new) == len(set(new))
    assert merge_corrections(merged, corrections) == merged


def test_reference_test_part_becomes_a_test_set_of_its_own(build, file_uri):
    """Its documents are those that the champion's own split put aside, and none of them trains."""
    made = build(notes(0, 60), notes(100, 10))
    assert made.test
    assert len(made.test) + len(made.documents) == 70
    assert {text_key(document.text) for document in made.test}.isdisjoint(
        text_key(document.text) for document in made.documents
    )
    assert (made.changed, made.left_out) == (10, 0)


def test_given_test_set_stays_as_it_is(build):
    """A champion with a test dataset of its own hands it on, to the digest."""
    test = notes(500, 10)
    made = build(notes(0, 60), notes(100, 10), test=test)
    assert list(made.test) == test
    assert len(made.documents) == 70


def test_nothing_of_the_test_set_enters_training(build):
    """A correction with a test note's text, id or patient is left out and counted."""
    test = notes(500, 10)
    stolen = [
        replace(test[0], id="elsewhere", metadata={"group_id": "other"}, text=f" {test[0].text}"),
        replace(notes(600, 1)[0], id=test[1].id),
        replace(notes(601, 1)[0], metadata=test[2].metadata),
    ]
    made = build(notes(0, 60), [*stolen, *notes(100, 5)], test=test)
    assert (made.changed, made.left_out) == (5, 3)


def test_no_corrections_equal_the_champions_data(build):
    """Without anything new nothing counts as changed."""
    assert build(notes(0, 60)).changed == 0
    assert build(notes(0, 70), notes(0, 70)).changed == 0


def test_later_corrections_win_over_earlier_datasets(build):
    """Datasets of corrections are taken in their order."""
    first, second = notes(100, 3, treatment="metformin"), notes(100, 3, treatment="ramipril")
    made = build(notes(0, 60), first, second)
    assert {document.text.split()[-1] for document in made.documents[-3:]} == {"ramipril."}


def test_stored_training_set_names_its_parents(build, file_uri):
    """The dataset knows what it was made from, and its digest was known before it was stored."""
    made = build(notes(0, 60), notes(100, 10))
    storage = open_storage(file_uri)
    made.store(storage)
    assert describe_dataset(storage, made.digest).parents == made.parents
    assert describe_dataset(storage, made.test_digest).parents == made.parents[:1]
    assert describe_dataset(storage, made.digest).documents == len(made.documents)


def test_reviewed_test_notes_are_kept_out_of_training(build):
    """Some of the uniform stratum judge and the others train; nothing is lost, and every count is of what it says."""
    made = build(notes(0, 60), reviewed(100, 60))
    assert 8 <= len(made.reviewed) <= 30
    assert len(made.documents) + len(made.test) + len(made.reviewed) == 120
    assert (made.held_out, made.changed, made.left_out) == (len(made.reviewed), 60 - len(made.reviewed), 0)
    trained = {text_key(document.text) for document in made.documents}
    assert trained.isdisjoint(text_key(document.text) for document in made.reviewed)
    assert made.sampled
    assert made.reviewed_spans == 2 * len(made.reviewed)


def test_copy_of_a_held_out_note_is_left_out_of_training(build):
    """A text that judges trains in no stratum and under no id, and is counted."""
    drawn = reviewed(100, 60)
    held = build(notes(0, 60), drawn).reviewed
    copies = [replace(each, id=f"copy-of-{each.id}", metadata={"stratum": "low-confidence"}) for each in held]
    by_hand = replace(held[0], id="by-hand", text=f"{held[0].text} ", metadata={})
    made = build(notes(0, 60), [*drawn, *copies, by_hand])
    assert made.left_out == len(copies) + 1
    assert made.reviewed == held
    assert {text_key(each.text) for each in held}.isdisjoint(text_key(each.text) for each in made.documents)


def test_held_out_notes_stay_so_for_the_next_champion(build):
    """A champion trained on the training set finds its held-out notes held out again, whatever came since."""
    first = build(notes(0, 60), reviewed(100, 60))
    second = build(list(first.documents), reviewed(100, 90), test=list(first.test))
    held = {text_key(each.text) for each in first.reviewed}
    assert held <= {text_key(each.text) for each in second.reviewed}
    assert held.isdisjoint(text_key(each.text) for each in second.documents)
    assert second.changed == 30 - (len(second.reviewed) - len(first.reviewed))


def test_note_that_the_champion_was_trained_on_does_not_judge(build):
    """Reviewed again, it goes on training: in the champion's eyes it is known, and no fair test."""
    known = notes(0, 60)
    made = build(known, [replace(each, id=f"record-{each.id}", metadata={"stratum": "uniform"}) for each in known])
    assert (made.reviewed, made.held_out, made.changed) == ((), 0, 0)


def test_held_out_notes_of_other_models_do_not_judge(build, manifest_of):
    """Notes that an earlier version answered stay out of training, but the window that asks for this training is not theirs."""
    old = reviewed(100, 30, model_digest="sha256:" + "1" * 64)
    digest = manifest_of(notes(0, 60)).model_digest
    new = reviewed(200, 30, model_digest=digest)
    made = build(notes(0, 60), [*old, *new])
    assert {each.metadata["model_digest"] for each in made.reviewed} == {digest}
    assert made.held_out > len(made.reviewed) > 0
    assert made.changed == 60 - made.held_out


def test_reviewed_notes_are_stored_as_a_dataset_of_their_own(build, file_uri):
    """Its role and its parents, the corrections, are known; without reviewed notes there is no digest and no dataset."""
    made = build(notes(0, 60), reviewed(100, 60))
    storage = open_storage(file_uri)
    made.store(storage)
    stored = describe_dataset(storage, made.reviewed_digest)
    assert (stored.documents, stored.parameters, stored.parents) == (
        len(made.reviewed),
        {"role": "reviewed-test"},
        made.parents[1:],
    )
    plain = build(notes(0, 60), notes(100, 10))
    plain.store(storage)
    assert (plain.reviewed_digest, plain.sampled) == ("", False)
