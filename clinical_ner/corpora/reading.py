"""Reading a corpus of any format into documents that satisfy :func:`clinical_ner.documents.check_document`.

What costs one record, and what costs the file: a record that breaks its format, is not UTF-8, is empty or too long, has a
span outside its text, an unlisted label or an id that was there before becomes a :class:`BadRecord`, since the others can
be used without it. A file that is missing, empty, not of the format at all, or whose parts do not fit together is a
DataError.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from clinical_ner.corpora import biotext, brat, conll, jsonl, label_studio, pubtator
from clinical_ner.corpora.fetching import local_copies
from clinical_ner.corpora.label_map import LabelMap
from clinical_ner.corpora.records import BadRecord, CorpusReading, Record
from clinical_ner.corpora.sources import resolve_uri
from clinical_ner.documents import Document, Entity, check_document, content_id
from clinical_ner.errors import ConfigError, DataError


class Format(NamedTuple):
    """A reader, and which files of a folder it is given (none: it takes the folder itself)."""

    read: Callable[[Path], Iterator[Record | BadRecord]]
    suffixes: tuple[str, ...] = ()


FORMATS = {
    "biotext": Format(biotext.read),
    "brat": Format(brat.read),
    "conll": Format(conll.read, (".bio", ".conll", ".iob", ".tsv")),
    "jsonl": Format(jsonl.read, (".jsonl", ".ndjson")),
    "label-studio": Format(label_studio.read, (".json",)),
    "pubtator": Format(pubtator.read, (".pubtator", ".txt")),
}


def read_corpus(uri: str, corpus_format: str, *, label_map: LabelMap, max_note_bytes: int) -> CorpusReading:
    """Read a corpus whole; :func:`clinical_ner.corpora.quarantine.settle` says what becomes of its bad records.

    Documents come in the order of the files. A document without an id of its own gets one made of the file's name and its
    text, with ``-2``, ``-3`` ... after it where the same text occurs again. ``metadata["source"]`` is the file's name
    unless the record brought one.

    Args:
        uri: as :func:`resolve_uri` and :func:`local_copies` take it; ``dataset://`` is the caller's to resolve.
        corpus_format: a key of :data:`FORMATS`.
        label_map: applied to every label.
        max_note_bytes: the most UTF-8 bytes a text may have.

    Raises:
        ConfigError: the format is unknown, or the URI not one of files.
        StorageError: an object store cannot be read.
        DataError: a file cannot be used at all (see the module), or the label map leaves none of the corpus's mentions.
    """
    if corpus_format not in FORMATS:
        raise ConfigError(f"corpus_format: {corpus_format!r} is not one of {', '.join(sorted(FORMATS))}")
    with local_copies(uri) as copies:
        try:
            reading = _read_local(copies.uri, FORMATS[corpus_format], _Assembly(label_map, max_note_bytes))
        except DataError as error:
            raise DataError(copies.original(str(error))) from error
    reading.files = [copies.original(file) for file in reading.files]
    reading.bad_records = [
        replace(bad, file=copies.original(bad.file), reason=copies.original(bad.reason)) for bad in reading.bad_records
    ]
    return reading


def _read_local(uri: str, chosen: Format, assembly: "_Assembly") -> CorpusReading:
    for path in resolve_uri(uri, chosen.suffixes):
        assembly.reading.files.append(str(path))
        for record in chosen.read(path):
            assembly.add(record)
    return assembly.finish()


class _Assembly:
    """A :class:`CorpusReading` in the making, with what has to be remembered across records."""

    def __init__(self, label_map: LabelMap, max_note_bytes: int) -> None:
        self.reading = CorpusReading()
        self._label_map = label_map
        self._max_note_bytes = max_note_bytes
        self._named: dict[str, Record] = {}  # by document id
        self._made_ids: Counter[str] = Counter()
        self._dropped_labels: set[str] = set()

    def add(self, record: Record | BadRecord) -> None:
        """Check, map and name one record, and file it as a document or a bad record."""
        if isinstance(record, BadRecord):
            self._add_bad(record)
            return
        entities = record.document.entities
        try:
            check_document(record.document, max_note_bytes=self._max_note_bytes)
            mapped = [(entity, self._label_map.target(entity.label)) for entity in entities]
            identifier = self._claim_id(record)
        except DataError as error:
            self._add_bad(BadRecord(record.file, record.line, str(error), record.raw, len(entities)))
            return
        self._dropped_labels.update(entity.label for entity, target in mapped if target is None)
        kept = [Entity(entity.start, entity.end, target) for entity, target in mapped if target is not None]
        self._add_document(record, identifier, kept)

    def finish(self) -> CorpusReading:
        """The reading, when every record was added."""
        reading = self.reading
        if reading.mentions_dropped and not reading.mentions_kept:
            labels = ", ".join(sorted(self._dropped_labels))
            raise DataError(
                f"label_map {str(self._label_map)!r} leaves none of the {reading.mentions_dropped} mentions; "
                f"it drops every label of the corpus: {labels}"
            )
        return reading

    def _add_bad(self, bad: BadRecord) -> None:
        self.reading.bad_records.append(bad)
        self.reading.mentions_seen += bad.mentions

    def _add_document(self, record: Record, identifier: str, entities: list[Entity]) -> None:
        document, distinct = record.document, tuple(sorted(set(entities)))
        metadata = {"source": Path(record.file).name, **document.metadata}
        self.reading.documents.append(replace(document, id=identifier, entities=distinct, metadata=metadata))
        self.reading.mentions_seen += len(document.entities)
        self.reading.mentions_dropped += len(document.entities) - len(entities)
        self.reading.mentions_merged += len(entities) - len(distinct)
        self.reading.counters.update(record.counters)

    def _claim_id(self, record: Record) -> str:
        identifier = record.document.id or self._make_id(record.file, record.document)
        first = self._named.setdefault(identifier, record)
        if first is not record:
            likeness = "an equal" if first.document == record.document else "a different"
            raise DataError(f"id {identifier!r} was already used at {first.file}:{first.line}, by {likeness} document")
        return identifier

    def _make_id(self, file: str, document: Document) -> str:
        made = content_id(Path(file).name, document.text)
        self._made_ids[made] += 1
        # Sentence corpora repeat short sentences: that is no error, and two documents need two ids.
        return made if self._made_ids[made] == 1 else f"{made}-{self._made_ids[made]}"
