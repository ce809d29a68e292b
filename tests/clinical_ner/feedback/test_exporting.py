"""Annotation tasks that are left where the samples lie, on both stores."""

import orjson
import pytest

from clinical_ner.errors import StorageError
from clinical_ner.feedback import add_corrections, export_tasks, withdraw_tasks
from clinical_ner.review.store import PREFIX, read_samples, write_sample
from clinical_ner.storage import open_storage
from tests.clinical_ner.review.samples import make_sample

TASKS = "annotation-tasks/model=clinical-ner/tasks.json"


@pytest.fixture(params=["file", "s3"])
def samples(request, tmp_path):
    """A store with three samples of the model and one of another."""
    uri = request.getfixturevalue("s3_uri") if request.param == "s3" else (tmp_path / "log").as_uri()
    storage = open_storage(uri)
    for number in range(3):
        write_sample(storage, make_sample(number))
    write_sample(storage, make_sample(9, model_name="other"))
    return storage


@pytest.fixture
def registry(tmp_path):
    return open_storage(str(tmp_path / "registry"))


def correct(registry, *numbers):
    corrections = [make_sample(number).prediction() for number in numbers]
    add_corrections(registry, "clinical-ner", corrections)


def test_tasks_of_uncorrected_samples_lie_beside_them(samples, registry):
    """One task a sample that nobody corrected, of this model alone, with the interface of its labels; the answer says where."""
    correct(registry, 1)
    exported = export_tasks(samples, registry, "clinical-ner", ["DOSE"])
    assert (exported.tasks, exported.samples, exported.uri) == (2, 3, samples.uri(TASKS))
    tasks = orjson.loads(samples.read(TASKS))
    assert [task["data"]["record_id"] for task in tasks] == [f"{number:032x}" for number in (0, 2)]
    labels = samples.read(TASKS.replace("tasks.json", "labels.xml")).decode()
    assert all(f'value="{label}"' in labels for label in ("DISEASE", "DOSE", "TREATMENT"))
    assert str(exported) == f"2 annotation tasks are in {samples.uri(TASKS)}"


def test_repeating_changes_nothing_or_brings_up_to_date(samples, registry):
    """The same bytes at the same place; fewer when some were corrected since; and samples stay readable."""
    export_tasks(samples, registry, "clinical-ner", [])
    before = samples.read(TASKS)
    export_tasks(samples, registry, "clinical-ner", [])
    assert samples.read(TASKS) == before
    correct(registry, 0)
    export_tasks(samples, registry, "clinical-ner", [])
    assert len(orjson.loads(samples.read(TASKS))) == 2
    assert len([key for key in samples.list("") if not key.startswith(PREFIX)]) == 2
    assert len(read_samples(samples, "clinical-ner").samples) == 3


def test_nothing_to_annotate_is_said(samples, registry, tmp_path):
    """All corrected: the tasks of before are gone; no samples at all: that is said instead."""
    export_tasks(samples, registry, "clinical-ner", [])
    correct(registry, 0, 1, 2)
    exported = export_tasks(samples, registry, "clinical-ner", [])
    assert "all 3 review samples are corrected already" in str(exported)
    assert not samples.exists(TASKS)
    assert "no review samples" in str(export_tasks(open_storage(str(tmp_path / "empty")), registry, "clinical-ner", []))


def test_damaged_samples_are_counted(samples, registry):
    """They hold up nobody, and the answer says how many there are."""
    samples.write(f"{PREFIX}model=clinical-ner/date=2026-03-01/{7:032x}-{'0' * 16}.json", b"{}")
    assert "3 annotation tasks (1 are damaged)" in str(export_tasks(samples, registry, "clinical-ner", []))


def test_withdrawing_leaves_no_text(samples, registry):
    """Tasks hold the text of samples: who deletes those deletes these; of one model, or of all."""
    export_tasks(samples, registry, "clinical-ner", [])
    export_tasks(samples, registry, "other", [])
    withdraw_tasks(samples, "other")
    assert samples.exists(TASKS)
    withdraw_tasks(samples)
    assert not samples.list("annotation-tasks/")


def test_damaged_corrections_are_an_error(samples, registry):
    """Nobody is asked to annotate again what was corrected already."""
    registry.write("corrections/clinical-ner/current.json", b"{}")
    with pytest.raises(StorageError, match="damaged"):
        export_tasks(samples, registry, "clinical-ner", [])
    assert not samples.exists(TASKS)
