"""Which corrections a run goes by."""

import pytest

from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, NotFound, StorageError
from clinical_ner.feedback import add_corrections, choose_corrections, load_reviewed, uniform
from clinical_ner.storage import open_storage

DIGEST = "sha256:" + "a" * 64


def correction(number, stratum="uniform"):
    return Document(f"{number:032x}", f"Note {number}.", (), {"stratum": stratum})


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path))


def test_empty_stands_for_the_current_corrections(storage):
    """None before the first; then always the newest dataset, so that a scheduled run needs no new parameter."""
    assert choose_corrections(storage, "clinical-ner", "") == ""
    first = add_corrections(storage, "clinical-ner", [correction(1)]).dataset.digest
    assert choose_corrections(storage, "clinical-ner", "") == first
    second = add_corrections(storage, "clinical-ner", [correction(2)]).dataset.digest
    assert choose_corrections(storage, "clinical-ner", "") == second != first
    assert choose_corrections(storage, "other-model", "") == ""


def test_none_and_a_name_stand_for_themselves(storage):
    """Whatever the current corrections are."""
    add_corrections(storage, "clinical-ner", [correction(1)])
    assert choose_corrections(storage, "clinical-ner", "none") == ""
    assert choose_corrections(storage, "clinical-ner", f"dataset://{DIGEST}") == DIGEST
    with pytest.raises(ConfigError):
        choose_corrections(storage, "clinical-ner", "corrections.json")


def test_damaged_pointer_is_an_error(storage):
    """It is not taken for no corrections."""
    storage.write("corrections/clinical-ner/current.json", b"{}")
    with pytest.raises(StorageError, match=r"current\.json: damaged"):
        choose_corrections(storage, "clinical-ner", "")


def test_reviewed_notes_are_of_the_uniform_stratum(storage):
    """Low-confidence notes would make a model look worse than it is; a dataset that was named is taken whole."""
    notes = [correction(1), correction(2, "low-confidence"), Document("plain", "Note.", (), {})]
    dataset = add_corrections(storage, "clinical-ner", notes).dataset
    assert load_reviewed(storage, "", dataset.digest) == uniform(notes) == [notes[0]]
    assert len(load_reviewed(storage, dataset.uri, "")) == 3
    assert load_reviewed(storage, "none", dataset.digest) == load_reviewed(storage, "", "") == []
    with pytest.raises(NotFound):
        load_reviewed(storage, f"dataset://{DIGEST}", dataset.digest)
