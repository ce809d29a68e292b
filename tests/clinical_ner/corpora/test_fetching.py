"""Corpora in a real object store."""

import tempfile
from pathlib import Path

import pytest

from clinical_ner.corpora import LabelMap, read_corpus
from clinical_ner.documents import Document, dump_documents
from clinical_ner.errors import DataError, StorageError
from clinical_ner.storage import open_storage

PATIENT = "Zebulon Quartermain"


def read(uri):
    return read_corpus(uri, "jsonl", label_map=LabelMap.parse(""), max_note_bytes=10_000)


@pytest.fixture
def bucket(s3_uri):
    """A store of two corpus files under ``notes/``, and one deeper that is not of them."""
    store = open_storage(s3_uri)
    for number, key in enumerate(("notes/a.jsonl", "notes/b.jsonl", "notes/old/c.jsonl")):
        store.create(key, dump_documents([Document(f"note-{number}", f"{PATIENT} has gout.")]))
    return s3_uri


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    """Copies go where the test can see that nothing of them stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


def test_object_is_a_corpus_file(bucket):
    """An object is read as a file of that name."""
    reading = read(f"{bucket}/notes/a.jsonl")
    assert [document.id for document in reading.documents] == ["note-0"]
    assert reading.files == [f"{bucket}/notes/a.jsonl"]
    assert reading.documents[0].metadata["source"] == "a.jsonl"


def test_prefix_is_a_folder_without_its_subfolders(bucket):
    """A prefix stands for the objects directly under it; a list of both kinds is read in its order."""
    assert [document.id for document in read(f"{bucket}/notes").documents] == ["note-0", "note-1"]
    listed = read(f"{bucket}/notes/old/c.jsonl,{bucket}/notes/")
    assert [document.id for document in listed.documents] == ["note-2", "note-0", "note-1"]


def test_bad_records_are_named_by_their_object(bucket):
    """File and line of a bad record are the object's, not those of a copy."""
    open_storage(bucket).create("bad/x.jsonl", b'{"id": "a", "text": "%s"}\n{"id": 1}\n' % PATIENT.encode())
    (bad,) = read(f"{bucket}/bad").bad_records
    assert (bad.file, bad.line) == (f"{bucket}/bad/x.jsonl", 2)
    open_storage(bucket).create("empty/x.jsonl", b"")
    with pytest.raises(DataError, match=f"^{bucket}/empty/x.jsonl"):
        read(f"{bucket}/empty/x.jsonl")


def test_missing_objects_and_buckets_are_errors(bucket):
    """No object of that name, or no bucket: the URI is named."""
    with pytest.raises(DataError, match="nothing: no such object"):
        read(f"{bucket}/nothing")
    with pytest.raises(StorageError):
        read(f"s3://no-such-bucket/{Path(bucket).name}")
