"""From what annotators gave back to corrections: each document is joined by its record id with the sample it answers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from clinical_ner.corpora.label_studio import CANCELLED, SEVERAL, UNFINISHED
from clinical_ner.corpora.records import BadRecord, CorpusReading
from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.errors import DataError
from clinical_ner.review.sample import ReviewSample

UNKNOWN, CHANGED, TWICE, UNREADABLE = "unknown record id", "text changed", "annotated twice", "not readable"
SKIPPED, OPEN = "skipped by the annotator", "not finished"

_PREDICTIONS = "predictions"
_KEPT = ("source", "reviewed_at", "lead_time_seconds")


@dataclass(frozen=True, slots=True)
class JoinedFeedback:
    """``corrections`` by record id. ``rejected`` counts the rest by reason, ``problems`` has a line each; no note text."""

    corrections: tuple[Document, ...]
    rejected: Mapping[str, int]
    problems: tuple[str, ...]


def join_corrections(reading: CorpusReading, samples: Iterable[ReviewSample]) -> JoinedFeedback:
    """The corrections in ``reading``, with what the samples know of the notes.

    A correction's id is the record id, its entities are the annotator's; its metadata are the sample's, when and how long it
    was reviewed, from which file, and the model's predictions. Rejected is what answers no sample, or has another text.
    """
    known = {sample.record_id: sample for sample in samples}
    corrections: dict[str, Document] = {}
    rejected: Counter[str] = Counter()
    problems = []
    for document in reading.documents:
        record_id = document.metadata.get("record_id") or document.id
        reason = _find_fault(document, known.get(record_id), seen=record_id in corrections)
        if reason:
            rejected[reason] += 1
            problems.append(f"{document.metadata.get('source', '?')}: {document.id}: {_ADVICE[reason]}")
        else:
            corrections[record_id] = _correct(document, known[record_id])
    rejected.update(_reason(bad) for bad in reading.bad_records)
    problems += [str(bad) for bad in reading.bad_records]
    return JoinedFeedback(tuple(corrections[name] for name in sorted(corrections)), dict(rejected), tuple(problems))


def predictions_of(correction: Document) -> tuple[ScoredEntity, ...]:
    """What the model had said of a corrected note.

    Raises:
        DataError: the document is no correction, or a damaged one.
    """
    try:
        return tuple(ScoredEntity(*entity) for entity in orjson.loads(correction.metadata[_PREDICTIONS]))
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise DataError(f"{correction.id}: metadata.{_PREDICTIONS}: missing or damaged: not a correction") from error


_ADVICE = {
    UNKNOWN: f"{UNKNOWN}: no review sample has it; it was deleted, or belongs to another model or store",
    CHANGED: f"{CHANGED}: it is not the sample's, so that offsets mean nothing; annotate the exported task",
    TWICE: f"{TWICE}: another record of the same id came before; keep one",
}


def _find_fault(document: Document, sample: ReviewSample | None, *, seen: bool) -> str:
    if sample is None:
        return UNKNOWN
    if document.text != sample.text:
        return CHANGED
    return TWICE if seen else ""


def _correct(document: Document, sample: ReviewSample) -> Document:
    kept = {name: document.metadata[name] for name in _KEPT if name in document.metadata}
    predictions = orjson.dumps([list(entity) for entity in sample.entities]).decode()
    metadata = sample.metadata() | kept | {_PREDICTIONS: predictions}
    entities = tuple(Entity(*entity) for entity in sorted(set(document.entities)))
    return replace(document, id=sample.record_id, entities=entities, metadata=metadata)


def _reason(bad: BadRecord) -> str:
    if bad.reason.startswith("id ") and "already used" in bad.reason:
        return TWICE
    beginnings = {CANCELLED: SKIPPED, UNFINISHED: OPEN, SEVERAL: TWICE}
    return next((reason for beginning, reason in beginnings.items() if bad.reason.startswith(beginning)), UNREADABLE)
