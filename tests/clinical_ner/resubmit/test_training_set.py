"""The data of the next training."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.datasets import describe_dataset, store_dataset
from clinical_ner.documents import Document, Entity
from clinical_ner.resubmit.training_set import build_training_set, merge_corrections
from clinical_ner.splitting import text_key
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import notes


@pytest.fixture
def build(file_uri, live):
    """``build(documents, corrections, test=())``: the training set of a champion made of ``documents``."""

    def build(documents, *corrections, test=()):
        storage = open_storage(file_uri)
        champion = live(file_uri, documents, test)
        digests = [store_dataset(storage, each, reader="f", parameters={}).digest for each in corrections]
        return build_training_set(storage, champion.manifest, digests)

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
