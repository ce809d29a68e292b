"""The life of datasets and model versions in each kind of store."""

import multiprocessing
import queue

import pytest

from clinical_ner.datasets import list_datasets, load_dataset, store_dataset
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import RegistryError
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from clinical_ner.version_states import State

NAME = "clinical-ner"
BY = {"actor": "someone", "reason": "a reason"}
DOCUMENTS = [Document("a", "gout\u2028é", (Entity(0, 4, "DISEASE"),), {"group_id": "p1"}), Document("b", "well", (), {})]
PROCESSES = multiprocessing.get_context("fork")


@pytest.fixture
def storage(storage_uri):
    return open_storage(storage_uri)


@pytest.fixture
def registry(storage, clock):
    return Registry(storage, clock)


def test_dataset_comes_back(storage):
    """A dataset is stored once and loaded by its digest."""
    dataset = store_dataset(storage, DOCUMENTS, reader="jsonl", parameters={})
    assert store_dataset(storage, DOCUMENTS, reader="brat", parameters={}) == dataset
    assert load_dataset(storage, dataset.digest) == DOCUMENTS
    assert list_datasets(storage) == [dataset]


def test_promoted_version_is_the_champion_and_loads(registry, storage_uri, tiny_model):
    """What was registered, approved and promoted is found by another client and tags."""
    model = registry.register(NAME, tiny_model, **BY)
    registry.approve(NAME, "v1", **BY)
    registry.promote(NAME, "v1", **BY)
    other = Registry(open_storage(storage_uri))
    champion = other.champion(NAME)
    assert (champion.version, champion.state, champion.digest) == ("v1", State.LIVE, model.digest)
    assert champion.uri == f"{storage_uri}/models/{NAME}/v1"
    assert Tagger.from_files(other.files(NAME, "v1"), expected_digest=model.digest).served_version == "v1"
    assert other.damage(NAME, "v1") == []


def test_roll_back_and_prune(registry, storage, tiny_model, other_model):
    """States move and old versions go, files and all."""
    for files in (tiny_model, other_model(1), other_model(2)):
        version = registry.register(NAME, files, **BY).version
        registry.approve(NAME, version, **BY)
        registry.promote(NAME, version, **BY)
    registry.roll_back(NAME, "v3", **BY)
    assert registry.champion(NAME).version == "v2"
    with pytest.raises(RegistryError):
        registry.promote(NAME, "v3", **BY)
    pruned = registry.prune(NAME, keep=1)
    assert "v2" not in pruned
    assert not [key for name in pruned for key in storage.list(f"models/{NAME}/{name}/") if "model.crfsuite" in key]


def test_concurrent_registrations_get_numbers_of_their_own(storage_uri, other_model):
    """Of eight processes that register at once each gets another version, without a gap."""
    versions = PROCESSES.Queue()

    def register(number):
        registered = Registry(open_storage(storage_uri)).register(NAME, other_model(number), **BY)
        versions.put(registered.version)

    processes = [PROCESSES.Process(target=register, args=(number,)) for number in range(8)]
    for process in processes:
        process.start()
    try:
        found = sorted(versions.get(timeout=60) for _ in processes)
    except queue.Empty:
        pytest.fail("a registration failed")
    finally:
        for process in processes:
            process.join()
    assert found == [f"v{number}" for number in range(1, 9)]
