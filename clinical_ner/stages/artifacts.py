"""Reading and writing what travels between stages.

Artifacts that hold note text are compressed: the KFP UI previews the head of every artifact, and this keeps notes out of it.
Compression carries no time stamp, so equal content gives equal bytes.
"""

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from clinical_ner.documents import Document, dump_documents, load_documents
from clinical_ner.errors import DataError, StorageError
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.model_package import ModelFiles, pack, unpack
from clinical_ner.training import LabelledSentence

PathLike = str | os.PathLike[str]


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write a file whole: it appears under its name only when complete.

    Raises:
        StorageError: it cannot be written; nothing of it is left.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor is no path
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or type(error).__name__}") from error


def read_bytes(path: PathLike) -> bytes:
    """An artifact's bytes.

    Raises:
        DataError: there is none.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: missing artifact ({error.strerror})") from error


def write_text(path: PathLike, text: str) -> None:
    """Write a text file whole, as UTF-8."""
    write_bytes(path, text.encode())


def write_documents(path: PathLike, documents: Iterable[Document]) -> None:
    """Compressed canonical JSON Lines."""
    write_bytes(path, gzip.compress(dump_documents(documents), mtime=0))


def read_documents(path: PathLike) -> list[Document]:
    """Documents of :func:`write_documents`.

    Raises:
        DataError: the file is missing or damaged; the message names it.
    """
    data = _decompress(path)
    try:
        return load_documents(data)
    except DataError as error:
        raise DataError(f"{path}: damaged artifact: {error}") from error


def write_sentences(path: PathLike, sentences: Sequence[LabelledSentence]) -> None:
    """Compressed JSON Lines, a sentence a line."""
    lines = b"".join(sentence.model_dump_json().encode() + b"\n" for sentence in sentences)
    write_bytes(path, gzip.compress(lines, mtime=0))


def read_sentences(path: PathLike) -> list[LabelledSentence]:
    """Sentences of :func:`write_sentences`.

    Raises:
        DataError: the file is missing or damaged; the message names it.
    """
    try:
        return [LabelledSentence.model_validate_json(line) for line in _decompress(path).split(b"\n") if line]
    except ValidationError:
        # Not chained: the validator's message quotes what it met, which is note text.
        raise DataError(f"{path}: damaged artifact: not labelled sentences") from None


def write_gazetteer(path: PathLike, gazetteer: Gazetteer) -> None:
    """Compressed JSON: its terms may be words of notes."""
    write_bytes(path, gzip.compress(gazetteer.to_json(), mtime=0))


def read_gazetteer(path: PathLike) -> Gazetteer:
    """The gazetteer of :func:`write_gazetteer`.

    Raises:
        DataError: the file is missing or damaged; the message names it.
    """
    try:
        return Gazetteer.from_json(_decompress(path))
    except ValidationError:
        raise DataError(f"{path}: damaged artifact: not a gazetteer") from None


def write_model(path: PathLike, files: ModelFiles) -> None:
    """A model's files as one compressed archive."""
    write_bytes(path, gzip.compress(pack(files), mtime=0))


def read_model(path: PathLike) -> dict[str, bytes]:
    """The files of :func:`write_model`, not verified yet.

    Raises:
        DataError: the file is missing or damaged; the message names it.
        ModelFormatError: it is no archive of a model.
    """
    return unpack(_decompress(path))


def _decompress(path: PathLike) -> bytes:
    data = read_bytes(path)
    if not data:  # which gzip takes for the compressed form of nothing
        raise DataError(f"{path}: damaged artifact: empty")
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged artifact: not compressed as it was written") from error
