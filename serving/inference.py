"""Inference without a protocol: notes in, entities out. Every transport calls :class:`Annotator` and nothing else."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import UnknownModel
from serving.metrics import ServingMetrics
from serving.request_log import Arrival, RequestLog, RequestNotes
from serving.review import RequestReview
from serving.tagging import NoteAnnotation, NoteTagger, Weight


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A valid request: ``texts`` within the limits, the other columns empty or as long as ``texts``."""

    texts: Sequence[str]
    id: str = ""
    note_ids: Sequence[str] = ()
    sites: Sequence[str] = ()
    specialties: Sequence[str] = ()
    explain: bool = False
    min_score: float = 0.0
    arrival: Arrival = field(default_factory=Arrival.now)


@dataclass(frozen=True, slots=True)
class InferenceReply:
    """One element a note; ``entities`` are JSON arrays of ``{start, end, text, label, score}`` in UTF-8."""

    model_name: str
    model_version: str
    id: str
    record_ids: Sequence[str]
    entities: Sequence[bytes]


class Annotator:
    """A loaded model as it answers requests."""

    def __init__(
        self, tagger: NoteTagger, metrics: ServingMetrics, log: RequestLog | None = None, review: RequestReview | None = None
    ) -> None:
        self.name = tagger.manifest.name
        self.version = tagger.manifest.served_version
        self._tagger = tagger
        self._metrics = metrics
        self._log = log
        self._review = review
        metrics.adopt(self.name, self.version, tagger.manifest.model_digest)

    def check(self, name: str, version: str) -> None:
        """Check that a request asks for this model; an empty ``version`` is any.

        Raises:
            UnknownModel: it names another one; the message names this one only.
        """
        if name != self.name:
            raise UnknownModel(f"model: not served here; this server has {self.name!r}")
        if version not in ("", self.version):
            raise UnknownModel(f"model version: not served here; this server has {self.version!r}")

    def answer(self, request: InferenceRequest) -> InferenceReply:
        """Tag every note of ``request``, log it and offer it for review. A note without text is answered with no entities.

        Raises:
            SpoolError: it cannot be logged and must be.
        """
        notes = RequestNotes(request.id or uuid.uuid4().hex, [uuid.uuid4().hex for _ in request.texts], request)
        try:
            annotations = [self._tagger.annotate(text) for text in request.texts]
            entities = [
                self._encode(request, text, annotation) for text, annotation in zip(request.texts, annotations, strict=True)
            ]
        except Exception as error:
            if self._log is not None:
                self._log.failed(notes, error)
            raise
        self._metrics.count_notes(annotations)
        if self._log is not None:
            self._log.answered(notes, annotations)
        if self._review is not None:  # last: a sample's note has its record
            self._review.answered(notes, annotations)
        return InferenceReply(self.name, self.version, notes.request_id, notes.record_ids, entities)

    def _encode(self, request: InferenceRequest, text: str, annotation: NoteAnnotation) -> bytes:
        entities = [entity for entity in annotation.entities if entity.score >= request.min_score]
        items = [_entity_item(text, entity) for entity in entities]
        if request.explain:
            for item, weights in zip(items, self._tagger.explain(text, entities), strict=True):
                item["explanation"] = [_weight_item(weight) for weight in weights]
        return orjson.dumps(items)


def _entity_item(text: str, entity: ScoredEntity) -> dict[str, Any]:
    start, end, label, score = entity
    return {"start": start, "end": end, "text": text[start:end], "label": label, "score": score}


def _weight_item(weight: Weight) -> dict[str, Any]:
    return {"feature": weight.feature, "weight": weight.weight}
