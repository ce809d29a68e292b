"""Reading and writing what travels between stages.

Artifacts that hold note text are compressed: the KFP UI previews the head of every artifact, and this keeps notes out of it.
Compression carries no time stamp, so equal content gives equal bytes.
"""

import gzip
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from clinical_ner.documents import Document, dump_documents, load_documents
from clinical_ner.errors import DataError
from clinical_ner.training import LabelledSentence

PathLike = str | os.PathLike[str]


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write a file whole: it appears under its name only when complete."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(target)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file whole, as UTF-8."""
    write_bytes(path, text.encode())


def write_documents(path: PathLike, documents: Iterable[Document]) -> None:
    """Compressed canonical JSON Lines."""
    write_bytes(path, gzip.compress(dump_documents(documents), mtime=0))


def read_documents(path: PathLike) -> list[Document]:
    """Documents of :func:`write_documents`."""
    return load_documents(_decompress(path))


def write_sentences(path: PathLike, sentences: Sequence[LabelledSentence]) -> None:
    """Compressed JSON Lines, a sentence a line."""
    lines = b"".join(sentence.model_dump_json().encode() + b"\n" for sentence in sentences)
    write_bytes(path, gzip.compress(lines, mtime=0))


def read_sentences(path: PathLike) -> list[LabelledSentence]:
    """Sentences of :func:`write_sentences`."""
    return [LabelledSentence.model_validate_json(line) for line in _decompress(path).split(b"\n") if line]


def _decompress(path: PathLike) -> bytes:
    try:
        return gzip.decompress(Path(path).read_bytes())
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: missing or damaged artifact") from error
