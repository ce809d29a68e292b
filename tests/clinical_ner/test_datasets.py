from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.datasets import (
    dataset_uri,
    describe_dataset,
    diff_datasets,
    find_dataset,
    is_dataset_uri,
    list_datasets,
    load_dataset,
    parse_dataset_uri,
    store_dataset,
)
from clinical_ner.digests import digest_of
from clinical_ner.documents import Document, Entity, dump_documents
from clinical_ner.errors import ConfigError, NotFound, StorageError
from clinical_ner.storage import open_storage

HOW = {"reader": "jsonl", "parameters": {"label_map": "D=DISEASE"}}
DOCUMENTS = [
    Document("a", "gout\u2028é", (Entity(0, 4, "DISEASE"),), {"site": "north", "group_id": "p1"}),
    Document("b", "gout and asthma", (Entity(0, 4, "DISEASE"), Entity(9, 15, "DISEASE")), {"site": "south", "group_id": "p1"}),
    Document("c", "aspirin", (Entity(0, 7, "TREATMENT"),), {"specialty": "gp"}),
]
HEX = "0123456789abcdef" * 4


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path))


def test_dataset_comes_back_as_it_was_stored(storage):
    """Documents come back equal and in their order, under the digest of their canonical form."""
    dataset = store_dataset(storage, DOCUMENTS, **HOW)
    assert dataset.digest == digest_of(dump_documents(DOCUMENTS))
    assert load_dataset(storage, dataset.digest) == DOCUMENTS
    assert load_dataset(storage, parse_dataset_uri(dataset.uri)) == DOCUMENTS


def test_description_counts_what_the_dataset_holds(storage, clock):
    """Documents, groups, code points, entities per label, sites and specialties are counted, and nothing is quoted."""
    parent = "sha256:" + HEX
    dataset = store_dataset(storage, DOCUMENTS, **HOW, parents=[parent], clock=clock)
    assert (dataset.documents, dataset.groups, dataset.characters) == (3, 2, 6 + 15 + 7)
    assert dataset.entities == {"DISEASE": 3, "TREATMENT": 1}
    assert (dataset.sites, dataset.specialties) == ({"north": 1, "south": 1}, {"gp": 1})
    assert (dataset.created_at, dataset.parents, dataset.reader) == (clock(), (parent,), "jsonl")
    assert describe_dataset(storage, dataset.digest) == dataset
    assert b"gout" not in storage.read(f"datasets/{dataset.digest[7:]}/dataset.json")


def test_storing_again_changes_nothing(storage):
    """A dataset is immutable: whoever stores the same documents again gets the first description."""
    first = store_dataset(storage, DOCUMENTS, **HOW)
    before = {key: storage.read(key) for key in storage.list("")}
    assert store_dataset(storage, DOCUMENTS, reader="brat", parameters={}, parents=["x"]) == first
    assert {key: storage.read(key) for key in storage.list("")} == before


def test_incomplete_dataset_is_invisible_and_completed(storage):
    """What a killed writer left is no dataset until somebody stores it whole."""
    digest = digest_of(dump_documents(DOCUMENTS))
    storage.write(f"datasets/{digest[7:]}/documents.jsonl", dump_documents(DOCUMENTS))
    assert list_datasets(storage) == []
    with pytest.raises(NotFound, match="no complete dataset"):
        load_dataset(storage, digest)
    assert store_dataset(storage, DOCUMENTS, **HOW).digest == digest
    assert load_dataset(storage, digest) == DOCUMENTS


def test_changed_documents_are_refused(storage):
    """A dataset whose bytes changed is neither loaded nor stored over, and no message quotes it."""
    dataset = store_dataset(storage, DOCUMENTS, **HOW)
    key = f"datasets/{dataset.digest[7:]}/documents.jsonl"
    storage.write(key, storage.read(key).replace(b"aspirin", b"aspirim"))
    for act in (lambda: load_dataset(storage, dataset.digest), lambda: store_dataset(storage, DOCUMENTS, **HOW)):
        with pytest.raises(StorageError, match="digest no longer matches") as caught:
            act()
        assert "aspiri" not in str(caught.value)


def test_damaged_description_is_named(storage):
    """A description that cannot be read is an error that names it."""
    dataset = store_dataset(storage, DOCUMENTS, **HOW)
    storage.write(f"datasets/{dataset.digest[7:]}/dataset.json", b"{}")
    with pytest.raises(StorageError, match=r"dataset\.json: damaged"):
        list_datasets(storage)


def test_datasets_are_listed_oldest_first(storage):
    """The order is that of the times, whatever the digests are."""
    times = [datetime(2030, 1, day, tzinfo=UTC) for day in (3, 1, 2)]
    stored = [
        store_dataset(storage, [document], **HOW, clock=lambda time=time: time)
        for document, time in zip(DOCUMENTS, times, strict=True)
    ]
    assert list_datasets(storage) == sorted(stored, key=lambda dataset: dataset.created_at)


def test_dataset_is_found_by_its_first_digits(storage):
    """A digest, its beginning and its URI lead to the dataset; an ambiguous or unknown one does not."""
    dataset = store_dataset(storage, DOCUMENTS, **HOW)
    for text in (dataset.digest, dataset.digest[:15], dataset.digest[7:12], dataset.uri):
        assert find_dataset(storage, text) == dataset
    store_dataset(storage, DOCUMENTS[:1], **HOW)
    for text, count in (("", 2), ("g", 0)):
        with pytest.raises(NotFound, match=f"^{count} datasets"):
            find_dataset(storage, text)


def test_diff_sorts_documents_by_their_fate(storage):
    """Documents of one dataset only, changed ones and unchanged ones are told apart by id."""
    changed = Document("b", DOCUMENTS[1].text, DOCUMENTS[1].entities[:1], DOCUMENTS[1].metadata)
    new = Document("d", "ibuprofen", (Entity(0, 9, "DRUG"),))
    diff = diff_datasets(DOCUMENTS, [new, changed, DOCUMENTS[0]])
    assert (diff.only_first, diff.only_second, diff.changed, diff.unchanged) == (("c",), ("d",), ("b",), 1)
    assert diff.labels == {"DISEASE": (3, 2), "DRUG": (0, 1), "TREATMENT": (1, 0)}


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_diff_accounts_for_every_document(first, second):
    """Each document of either side is in exactly one class, and swapping the sides swaps the classes."""
    left, right = ([Document(name, name) for name in names] for names in (first, second))
    diff, back = diff_datasets(left, right), diff_datasets(right, left)
    assert len(diff.only_first) + len(diff.changed) + diff.unchanged == len(first)
    assert len(diff.only_second) + len(diff.changed) + diff.unchanged == len(second)
    assert (diff.only_first, diff.only_second) == (back.only_second, back.only_first)


@pytest.mark.parametrize("uri", [f"dataset://{HEX}", f"dataset://sha256:{HEX}"])
def test_dataset_uri_is_read_with_and_without_the_algorithm(uri):
    """Both forms mean one digest, which is written with the algorithm's name."""
    assert is_dataset_uri(uri)
    assert parse_dataset_uri(uri) == f"sha256:{HEX}"
    assert dataset_uri(parse_dataset_uri(uri)) == f"dataset://sha256:{HEX}"


@pytest.mark.parametrize(
    "uri", ["", HEX, f"file://{HEX}", "dataset://", "dataset://abc", f"dataset://{HEX.upper()}", f"dataset://{HEX}/"]
)
def test_malformed_dataset_uri_is_refused(uri):
    """What is not a whole digest is not looked for."""
    with pytest.raises(ConfigError, match="digest"):
        parse_dataset_uri(uri)
