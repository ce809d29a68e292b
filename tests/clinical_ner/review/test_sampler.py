"""The sampler as a server calls it."""

import threading
import time
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import StorageError
from clinical_ner.review import sampler as module
from clinical_ner.review.answered import AnsweredNote, ServedModel
from clinical_ner.review.metrics import ReviewMetrics
from clinical_ner.review.sampler import QUEUED_NOTES, ReviewSampler
from clinical_ner.review.sampling import SamplingPlan
from clinical_ner.review.store import read_samples
from clinical_ner.storage.filesystem import FileStorage
from tests.clinical_ner.review.samples import NOON

TEXT = "Dr. Zebulon Trask treats asthma with salbutamol."
ENTITIES = (ScoredEntity(25, 31, "DISEASE", 0.9), ScoredEntity(4, 11, "TREATMENT", 0.8))
EVERY_NOTE = SamplingPlan(1.0)


class FailingStorage(FileStorage):
    """A folder store that refuses so many writes, and stops within them while ``free`` is not set."""

    def __init__(self, root):
        super().__init__(root)
        self.failures = 0
        self.free = threading.Event()
        self.free.set()

    def create(self, key, data):
        self.free.wait()
        if self.failures:
            self.failures -= 1
            raise StorageError(f"{key}: the test says no")
        super().create(key, data)


def answered(text=TEXT, entities=ENTITIES):
    return AnsweredNote(uuid4().hex, NOON, "north", "", text, entities)


@pytest.fixture
def storage(tmp_path):
    return FailingStorage(tmp_path)


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def open_sampler(storage, registry, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    opened = []

    def open_one(plan=EVERY_NOTE):
        opened.append(
            ReviewSampler(plan, ServedModel("clinical-ner", "v3", "sha256:0"), storage, ReviewMetrics(registry, "v3"))
        )
        return opened[-1]

    yield open_one
    storage.free.set()
    for sampler in opened:
        sampler.close(10)


@pytest.fixture
def counted(registry):
    return lambda name, **labels: registry.get_sample_value(f"clinical_ner_review_{name}", {"model_version": "v3", **labels})


def test_drawn_notes_are_stored_without_identifiers(open_sampler, storage, counted):
    """A drawn note is stored without the name, the disease at its new place, and the entity on the name is counted."""
    sampler = open_sampler()
    assert sampler.consider(answered())
    sampler.close(10)
    (sample,) = read_samples(storage, "clinical-ner").samples
    assert sample.text == "Dr. [NAME] treats asthma with salbutamol."
    assert [sample.text[each.start : each.end] for each in sample.entities] == ["asthma"]
    assert (sample.dropped_entities, sample.stratum, sample.probability) == (1, "uniform", 1.0)
    assert counted("samples_total", stratum="uniform") == 1
    assert counted("dropped_entities_total") == 1


def test_other_notes_leave_no_trace(open_sampler, storage):
    """A note that is not drawn, or is blank, is not stored."""
    sampler = open_sampler(SamplingPlan(0.0, 1.0))
    assert not sampler.consider(answered())
    assert not sampler.consider(answered(" \n", (ScoredEntity(0, 1, "DISEASE", 0.1),)))
    sampler.close(10)
    assert read_samples(storage, "clinical-ner").samples == ()


def test_samples_outlive_a_store_that_fails_for_a_while(open_sampler, storage):
    """A refused write is tried again; nothing that is logged about it holds text."""
    storage.failures = 3
    with capture_logs() as logs:
        sampler = open_sampler()
        sampler.consider(answered())
        while storage.failures:
            time.sleep(0.01)
        sampler.close(10)
    assert len(read_samples(storage, "clinical-ner").samples) == 1
    assert "asthma" not in str(logs)


def test_samples_are_given_up_and_counted(open_sampler, storage, counted):
    """A store that refuses for good costs the sample, which is counted, and the next one is stored."""
    storage.failures = module.ATTEMPTS
    sampler = open_sampler()
    sampler.consider(answered())
    sampler.consider(answered())
    sampler.close(10)
    assert counted("lost_samples_total", reason="not-stored") == 1
    assert len(read_samples(storage, "clinical-ner").samples) == 1


def test_a_stuck_store_never_holds_up_a_request(open_sampler, storage, counted):
    """With a store that does not answer the queue fills, the rest is counted, and every call returns at once."""
    storage.free.clear()
    sampler = open_sampler()
    for _ in range(QUEUED_NOTES + 50):
        assert sampler.consider(answered())
    lost = counted("lost_samples_total", reason="queue-full")
    assert 49 <= lost <= 50
    sampler.close(0)
    assert counted("lost_samples_total", reason="shutdown") == QUEUED_NOTES + 50 - lost


def test_long_notes_are_passed_over_and_counted(open_sampler, storage, counted):
    """A note beyond the limit is counted and not stored."""
    sampler = open_sampler()
    sampler.consider(answered("asthma " * (module.LONGEST_NOTE // 7 + 1), ()))
    sampler.close(10)
    assert counted("lost_samples_total", reason="too-long") == 1
    assert read_samples(storage, "clinical-ner").samples == ()


def test_a_note_that_cannot_be_sampled_does_not_end_the_thread(open_sampler, storage, counted):
    """A note that breaks something is counted, without its text in the log, and the next is stored."""
    with capture_logs() as logs:
        sampler = open_sampler()
        sampler.consider(AnsweredNote("not a record id", NOON, "", "", TEXT, ()))
        sampler.consider(answered())
        sampler.close(10)
    assert counted("lost_samples_total", reason="not-de-identified") == 1
    assert len(read_samples(storage, "clinical-ner").samples) == 1
    assert "Zebulon" not in str(logs)


def test_a_store_that_breaks_does_not_end_the_thread(open_sampler, storage, counted, monkeypatch):
    """An error that no store should raise costs the sample, without its message in the log, and the next one is stored."""
    with capture_logs() as logs:
        sampler = open_sampler()
        with monkeypatch.context() as patch:
            patch.setattr(storage, "free", None)  # AttributeError within the store
            sampler.consider(answered())
            while not counted("lost_samples_total", reason="not-stored"):
                time.sleep(0.01)
        sampler.consider(answered())
        sampler.close(10)
    assert len(read_samples(storage, "clinical-ner").samples) == 1
    assert [(line["event"], line.get("type")) for line in logs] == [
        ("review_sample_lost", "AttributeError"),
        ("review_samples_closed", None),
    ]


def test_answered_note_shows_no_text():
    """The text of a note is in no representation."""
    assert "Zebulon" not in repr(answered())
