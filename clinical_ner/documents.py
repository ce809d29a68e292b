"""Documents, their tokens and their entities: the one shape in which every stage and the server see a note.

All offsets are half-open ranges of Unicode code points into ``Document.text`` as it was given.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from clinical_ner.errors import DataError

RESERVED_METADATA = ("group_id", "site", "specialty", "source", "created_at")


class Entity(NamedTuple):
    """A labelled span ``text[start:end]``; sorts by position, then label."""

    start: int
    end: int
    label: str

    def overlaps(self, other: "Entity") -> bool:
        """True when both spans share at least one code point."""
        return self.start < other.end and other.start < self.end


class ScoredEntity(NamedTuple):
    """An entity as a model found it; ``score`` is the smallest token marginal of its own labels, 0 to 1.

    One that was added because it follows from another (:mod:`clinical_ner.postprocess`) has that one's score.
    """

    start: int
    end: int
    label: str
    score: float

    @property
    def entity(self) -> Entity:
        return Entity(self.start, self.end, self.label)


class Token(NamedTuple):
    """A token and its half-open range of code points; ``document.text[start:end] == text`` always holds."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A note with its gold (or predicted) entities.

    ``entities`` are sorted; they may overlap. ``metadata`` maps names to strings; :data:`RESERVED_METADATA` have a
    meaning here (``group_id`` is the patient, and is what splits are made by).
    """

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """What must stay on one side of a split: the patient where known, else the note itself."""
        return self.metadata.get("group_id") or self.id

    def to_json(self) -> bytes:
        """One line of canonical JSON (sorted keys, no newline), the form that digests are taken over."""
        record = {
            "id": self.id,
            "text": self.text,
            "entities": [entity._asdict() for entity in sorted(self.entities)],
            "metadata": dict(self.metadata),
        }
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def check_document(document: Document, *, max_note_bytes: int) -> None:
    """Check what every document must satisfy whatever reader made it.

    Raises:
        DataError: the text is empty or longer than ``max_note_bytes`` of UTF-8, holds a lone surrogate, or a span lies
            outside it or is empty. The message names the field and the limit, never text.
    """
    try:
        size = len(document.text.encode())
    except UnicodeEncodeError as error:
        raise DataError(f"text: lone surrogate at code point {error.start}") from None
    if not document.text.strip():
        raise DataError("text: empty")
    if size > max_note_bytes:
        raise DataError(f"text: {size:,} bytes, more than max_note_bytes = {max_note_bytes:,}")
    for number, entity in enumerate(document.entities):
        if not 0 <= entity.start < entity.end <= len(document.text):
            raise DataError(
                f"entities[{number}]: offsets {entity.start}:{entity.end} do not lie within the text's "
                f"{len(document.text)} code points"
            )
        if not entity.label:
            raise DataError(f"entities[{number}]: empty label")


def parse_document(line: bytes | str) -> Document:
    """Read one line of canonical JSON Lines; :func:`check_document` is the caller's to call.

    Raises:
        DataError: the line is not a JSON object of the documented fields and types; the message names the field.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON: column {error.colno}") from None
    if not isinstance(record, dict):
        raise DataError("not a JSON object")
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError("text: missing or not a string")
    identifier = record.get("id", "")
    if not isinstance(identifier, str):
        raise DataError("id: not a string")
    return Document(
        id=identifier,
        text=text,
        entities=tuple(sorted(_parse_entities(record.get("entities", [])))),
        metadata=_parse_metadata(record.get("metadata", {})),
    )


def _parse_entities(values: object) -> Iterator[Entity]:
    if not isinstance(values, list):
        raise DataError("entities: not a list")
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise DataError(f"entities[{number}]: not an object")
        label = value.get("label")
        if not isinstance(label, str):
            raise DataError(f"entities[{number}].label: missing or not a string")
        field_name = f"entities[{number}]"
        yield Entity(_parse_offset(value, "start", field_name), _parse_offset(value, "end", field_name), label)


def _parse_offset(value: dict[str, object], name: str, field_name: str) -> int:
    offset = value.get(name)
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise DataError(f"{field_name}.{name}: missing or not an integer")
    return offset


def _parse_metadata(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        raise DataError("metadata: not an object")
    for name, value in values.items():
        if not isinstance(value, str | int | float | bool) and value is not None:
            raise DataError(f"metadata.{name}: not a string, number or boolean")
    return {name: str(value) for name, value in values.items() if value is not None}


def content_id(source: str, text: str) -> str:
    """An id for a document that brought none: from its source's name and content, so that it survives reordering."""
    return hashlib.sha256(f"{source}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump_documents(documents: Iterable[Document]) -> bytes:
    """Canonical JSON Lines, one document a line, in the given order."""
    return b"".join(document.to_json() + b"\n" for document in documents)


def load_documents(data: bytes) -> list[Document]:
    """Documents from canonical JSON Lines as :func:`dump_documents` writes them.

    Raises:
        DataError: a line is not canonical; the message names it.
    """
    documents = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            documents.append(parse_document(line))
        except DataError as error:
            raise DataError(f"line {number}: {error}") from error
    return documents
