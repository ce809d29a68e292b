"""What travels between stages: written whole, unreadable at a glance, never trusted."""

import gzip

import pytest

from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError, StorageError
from clinical_ner.stages.artifacts import (
    read_bytes,
    read_documents,
    read_sentences,
    write_bytes,
    write_documents,
    write_sentences,
    write_text,
)
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import label_document
from tests.clinical_ner.stages.stage_runs import largest_file

PATIENT = "Zebulon Quartermain"
TEXT = f"{PATIENT} 😀 has gout.\r\nGiven colchicine\u2028daily."
NOTE = Document(
    id="é-1",
    text=TEXT,
    entities=(Entity(TEXT.index("gout"), TEXT.index("gout") + 4, "DISEASE"),),
    metadata={"group_id": "7", "site": "Łódź"},
)
SENTENCES = label_document(NOTE, Tokenizer())[0]


def test_documents_survive_the_way_between_stages(tmp_path):
    """Text, offsets, labels and metadata come back as they were, line separators of every kind included."""
    write_documents(tmp_path / "a", [NOTE, NOTE])
    assert read_documents(tmp_path / "a") == [NOTE, NOTE]


def test_sentences_survive_the_way_between_stages(tmp_path):
    """Tokens with their offsets and tags come back as they were, in their order."""
    write_sentences(tmp_path / "a", SENTENCES)
    assert read_sentences(tmp_path / "a") == SENTENCES
    assert len(SENTENCES) > 1


@pytest.mark.parametrize("write", [write_documents, write_sentences])
def test_no_documents_and_no_sentences_are_artifacts_too(tmp_path, write):
    """Nothing is written as an artifact that reads as nothing."""
    write(tmp_path / "a", [])
    assert read_documents(tmp_path / "a") == read_sentences(tmp_path / "a") == []


@pytest.mark.parametrize(("write", "content"), [(write_documents, [NOTE] * 3), (write_sentences, SENTENCES)])
def test_compressed_artifacts_are_equal_bytes_without_readable_text(tmp_path, write, content):
    """Equal content gives equal bytes, and no word of a note can be read in them: the KFP UI shows the head of a file."""
    write(tmp_path / "a", content)
    write(tmp_path / "b", content)
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    assert not [word for word in TEXT.split() if len(word) > 3 and word.encode() in data]


DAMAGE = {
    "cut": lambda data: data[:-9],
    "empty": lambda _: b"",
    "of another kind": lambda _: PATIENT.encode(),
    "with a changed byte in the middle": lambda data: data[:20] + bytes([data[20] ^ 255]) + data[21:],
    "with a changed checksum": lambda data: data[:-8] + bytes(4) + data[-4:],
    "of other content": lambda _: gzip.compress(b'{"document_id": "' + PATIENT.encode() + b'", "tokens": 3}\n'),
    "of no JSON": lambda _: gzip.compress(PATIENT.encode()),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("write", "read", "content"), [(write_documents, read_documents, [NOTE]), (write_sentences, read_sentences, SENTENCES)]
)
def test_damaged_artifact_is_named_and_not_quoted(tmp_path, write, read, content, damage):
    """A damaged file is a DataError that names the file; nothing of its content is in the error or its causes."""
    path = tmp_path / "train_sentences"
    write(path, content)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(DataError, match=f"^{path}: damaged artifact") as caught:
        read(path)
    cause, told = caught.value, ""
    while cause:
        told, cause = f"{told}{cause!r}", cause.__cause__
    assert "Zebulon" not in told


@pytest.mark.parametrize("read", [read_bytes, read_documents, read_sentences])
def test_missing_artifact_is_named(tmp_path, read):
    """Where nothing is, the error says which file is missing."""
    with pytest.raises(DataError, match=f"^{tmp_path}/gone: missing artifact"):
        read(tmp_path / "gone")


def test_write_that_fails_leaves_what_was_there(tmp_path):
    """On a full disk the old artifact stays as it was, and no other file is left."""
    write_text(tmp_path / "model_card", "old")
    with largest_file(1000), pytest.raises(StorageError, match="model_card: File too large"):
        write_bytes(tmp_path / "model_card", bytes(5000))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("model_card", "old")]


def test_written_artifact_can_be_read_by_other_users(tmp_path):
    """A later step may run as another user of the group: files are readable, and folders are made as needed."""
    write_text(tmp_path / "new" / "report", "é")
    assert (tmp_path / "new" / "report").read_bytes() == "é".encode()
    assert (tmp_path / "new" / "report").stat().st_mode & 0o777 == 0o644
