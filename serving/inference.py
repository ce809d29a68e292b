"""Inference without a protocol: notes in, entities out. Every transport calls :class:`Annotator` and nothing else."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import UnknownModel
from serving.metrics import ServingMetrics
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

    def __init__(self, tagger: NoteTagger, metrics: ServingMetrics) -> None:
        self.name = tagger.manifest.name
        self.version = tagger.manifest.served_version
        self._tagger = tagger
        self._metrics = metrics
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
        """Tag every note of ``request``. A note without text is answered with no entities."""
        annotations = [self._tagger.annotate(text) for text in request.texts]
        self._metrics.count_notes(annotations)
        return InferenceReply(
            model_name=self.name,
            model_version=self.version,
            id=request.id or uuid.uuid4().hex,
            record_ids=[uuid.uuid4().hex for _ in annotations],
            entities=[
                self._encode(request, text, annotation) for text, annotation in zip(request.texts, annotations, strict=True)
            ],
        )

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
