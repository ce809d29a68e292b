"""From new data to a live model."""

from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner import model_package
from clinical_ner.datasets import store_dataset
from clinical_ner.kpi import hours_to_live, lead_times
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from tests.clinical_ner.conftest import note

START = datetime(2030, 1, 1, tzinfo=UTC)
MODEL = "clinical-ner"


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path))


@pytest.fixture
def store(storage):
    """``store(hour, notes, parents)``: the digest of a dataset stored so many hours after the start."""

    def store_notes(hour, notes, *parents):
        documents = [note(number) for number in range(notes)]
        stored = store_dataset(
            storage, documents, reader="jsonl", parameters={}, parents=parents, clock=lambda: START + timedelta(hours=hour)
        )
        return stored.digest

    return store_notes


@pytest.fixture
def promote(storage, tiny_model):
    """``promote(hour, digest)``: register a model trained on that dataset, and make it live at that hour."""

    def promote_one(hour, digest, version=None):
        registry = Registry(storage, lambda: START + timedelta(hours=hour))
        if version is None:
            old = model_package.parse_manifest(tiny_model[model_package.MANIFEST])
            payload = {path: tiny_model[path] for path in model_package.PAYLOAD}
            fields = old.model_dump(include={"name", "labels", "library_versions"})
            parameters = {**old.parameters, "hour": hour}
            files = model_package.build_package(payload, **fields, datasets={"train": digest}, parameters=parameters)
            version = registry.register(MODEL, files, actor="test", reason="test").version
            registry.approve(MODEL, version, actor="test", reason="test")
        registry.promote(MODEL, version, actor="test", reason="test", restore=True)
        return version

    return promote_one


def hours(storage):
    return [each.hours for each in lead_times(Registry(storage), storage, MODEL)]


def test_lead_time_is_that_of_the_oldest_new_data(storage, store, promote):
    """The first version waits since its dataset; the second since the oldest of the corrections that the first did not have."""
    reference = store(0, 1)
    promote(5, reference)
    corrections = store(10, 2)
    later = store(16, 3, corrections)
    promote(20, store(17, 4, reference, later))
    assert hours(storage) == [5, 10]


def test_versions_without_new_data_do_not_count(storage, store, promote):
    """A retrain on the same data, and a version that comes back, have no lead time."""
    first = promote(5, store(0, 1))
    promote(9, store(0, 1))
    promote(12, None, version=first)
    assert hours(storage) == [5]


def test_unknown_datasets_are_passed_over(storage, store, promote):
    """A version whose dataset is not in the store has no lead time, and hides nobody else's."""
    promote(5, "sha256:" + "0" * 64)
    promote(9, store(6, 1))
    assert hours(storage) == [3]


def test_hours_are_the_median_or_no_data(storage, store, promote):
    """Without promotions there is no value; a few give a median without an interval."""
    assert hours_to_live(lead_times(Registry(storage), storage, MODEL)).value is None
    promote(5, store(0, 1))
    promote(9, store(8, 2))
    figure = hours_to_live(lead_times(Registry(storage), storage, MODEL))
    assert (figure.value, figure.low, figure.high, figure.n) == (3, None, None, 2)
