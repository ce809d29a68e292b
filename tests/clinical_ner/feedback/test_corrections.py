"""The dataset of corrections."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Entity
from clinical_ner.errors import DataError, StorageError
from clinical_ner.feedback import add_corrections, current_corrections, load_corrections
from clinical_ner.storage import open_storage
from tests.clinical_ner.review.samples import make_sample

MODEL = "clinical-ner"
FIRST, SECOND, THIRD = (make_sample(number).prediction() for number in (1, 2, 3))


@pytest.fixture
def storage(storage_uri):
    return open_storage(storage_uri)


def test_no_corrections_before_the_first(storage):
    """There is no dataset then, and no document."""
    assert current_corrections(storage, MODEL) is None
    assert load_corrections(storage, MODEL) == []


def test_corrections_pile_up_in_versions(storage):
    """Each addition makes a dataset of all, whose parent is the one before, which stays as it was."""
    first = add_corrections(storage, MODEL, [SECOND])
    second = add_corrections(storage, MODEL, [FIRST, SECOND])
    assert (first.added, second.added, second.unchanged) == (1, 1, 1)
    assert second.dataset.parents == (first.dataset.digest,)
    assert current_corrections(storage, MODEL) == second.dataset
    assert load_corrections(storage, MODEL) == [FIRST, SECOND]
    assert load_dataset(storage, first.dataset.digest) == [SECOND]


def test_adding_the_same_again_changes_nothing(storage):
    """A repeat leaves the dataset's digest as it is."""
    first = add_corrections(storage, MODEL, [FIRST])
    assert add_corrections(storage, MODEL, [FIRST]).dataset == first.dataset


def test_other_corrections_of_a_note_have_to_be_asked_for(storage):
    """A note corrected otherwise before is an error that names it, or takes the earlier's place."""
    add_corrections(storage, MODEL, [FIRST])
    other = replace(FIRST, entities=(Entity(0, 3, "DISEASE"),))
    with pytest.raises(DataError, match=FIRST.id):
        add_corrections(storage, MODEL, [SECOND, other])
    assert load_corrections(storage, MODEL) == [FIRST]
    assert add_corrections(storage, MODEL, [SECOND, other], replace=True).replaced == 1
    assert load_corrections(storage, MODEL) == [other, SECOND]


def test_corrections_are_kept_by_model(storage):
    """Another model has its own."""
    add_corrections(storage, MODEL, [FIRST])
    assert load_corrections(storage, "clinical-ner-2") == []


def test_no_addition_is_lost_among_concurrent_ones(storage):
    """Eight that add at once all have their notes in the end."""
    documents = [make_sample(number).prediction() for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda document: add_corrections(storage, MODEL, [document]), documents))
    assert load_corrections(storage, MODEL) == documents


def test_nothing_to_add_is_an_error(storage):
    """An empty list is a mistake, and makes no dataset."""
    with pytest.raises(DataError, match="no corrections"):
        add_corrections(storage, MODEL, [])


def test_a_damaged_pointer_is_named(storage):
    """An object that names no dataset is an error and is not written over."""
    storage.write("corrections/clinical-ner/current.json", b"[]")
    with pytest.raises(StorageError, match=r"corrections/clinical-ner/current\.json"):
        add_corrections(storage, MODEL, [THIRD])
