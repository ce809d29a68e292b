"""What the inference log keeps of a request, and the log as the settings want it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, Self

from prometheus_client import CollectorRegistry

from clinical_ner.inference_log import InferenceRecord
from clinical_ner.inference_log.key import read_key
from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.record import OK, hash_text, hash_words
from clinical_ner.model_package import Manifest
from clinical_ner.storage import open_storage
from serving.settings import ServingSettings
from serving.tagging import NoteAnnotation

LONGEST_NAME = 256
"""Characters that are kept of what a caller calls a request, a note, a site: none is meant to hold a note."""


class Arrival(NamedTuple):
    """When a request was there: by the calendar, and by a clock that nobody sets."""

    time: datetime
    ticks: float

    @classmethod
    def now(cls) -> Self:
        return cls(datetime.now(UTC), time.perf_counter())


class LoggedRequest(Protocol):
    """See :class:`serving.inference.InferenceRequest`."""

    @property
    def texts(self) -> Sequence[str]: ...
    @property
    def sites(self) -> Sequence[str]: ...
    @property
    def specialties(self) -> Sequence[str]: ...
    @property
    def note_ids(self) -> Sequence[str]: ...
    @property
    def arrival(self) -> Arrival: ...


class RequestNotes(NamedTuple):
    """A request with the names under which it is answered, one record id a note."""

    request_id: str
    record_ids: Sequence[str]
    request: LoggedRequest


class _Failed(NamedTuple):
    """What the model said of a note when it failed."""

    entities: tuple[()] = ()
    sentence_count: int = 0
    token_count: int = 0
    unknown_count: int = 0
    unknown_words: tuple[()] = ()


class RequestLog:
    """Writes a record a note before the reply; ``key`` is that of the hashes of texts and words, empty for none."""

    def __init__(self, log: InferenceLog, manifest: Manifest, key: bytes) -> None:
        self._log = log
        self._name, self._version, self._digest = manifest.name, manifest.served_version, manifest.model_digest
        self._key = key

    def answered(self, notes: RequestNotes, annotations: Sequence[NoteAnnotation]) -> None:
        """Log a request that is about to be answered; raises SpoolError when that fails and must not."""
        self._log.append(self._records(notes, annotations, OK))

    def failed(self, notes: RequestNotes, error: Exception) -> None:
        """Log a request whose tagging raised ``error``; raises as :meth:`answered`."""
        self._log.append(self._records(notes, [_Failed()] * len(notes.record_ids), type(error).__name__))

    def close(self, timeout_seconds: float) -> None:
        """Send what waits, for at most so long."""
        self._log.close(timeout_seconds)

    def _records(self, notes: RequestNotes, annotations: Sequence[NoteAnnotation], status: str) -> list[InferenceRecord]:
        latency_seconds = time.perf_counter() - notes.request.arrival.ticks
        return [
            self._record(notes, number, annotation, latency_seconds, status) for number, annotation in enumerate(annotations)
        ]

    def _record(
        self, notes: RequestNotes, number: int, annotation: NoteAnnotation, latency_seconds: float, status: str
    ) -> InferenceRecord:
        request, entities = notes.request, annotation.entities
        text = request.texts[number]
        encoded = text.encode()
        return InferenceRecord(
            record_id=notes.record_ids[number],
            time=request.arrival.time,
            request_id=notes.request_id[:LONGEST_NAME],
            text_hash=hash_text(encoded, self._key),
            model_name=self._name,
            model_version=self._version,
            model_digest=self._digest,
            site=kept_name(request.sites, number),
            specialty=kept_name(request.specialties, number),
            note_id=kept_name(request.note_ids, number),
            note_bytes=len(encoded),
            character_count=len(text),
            sentence_count=annotation.sentence_count,
            token_count=annotation.token_count,
            unknown_count=annotation.unknown_count,
            unknown_hashes=hash_words(annotation.unknown_words, self._key),
            labels=tuple([entity.label for entity in entities]),
            scores=tuple([entity.score for entity in entities]),
            latency_seconds=latency_seconds,
            status=status,
        )


def open_request_log(settings: ServingSettings, manifest: Manifest, registry: CollectorRegistry) -> RequestLog | None:
    """The log that the settings ask for; None when they ask for none.

    Raises:
        ConfigError: its store, spool folder, limits or key cannot be used.
    """
    if not settings.inference_log_uri:
        return None
    key = read_key(settings.inference_log_key, settings.inference_log_key_file)
    limits = LogLimits(
        settings.inference_log_spool_bytes, settings.inference_log_segment_bytes, settings.inference_log_flush_seconds
    )
    log = InferenceLog(
        settings.inference_log_spool,
        open_storage(settings.inference_log_uri),
        limits,
        LogMetrics(registry, manifest.served_version),
        required=settings.inference_log_required,
    )
    return RequestLog(log, manifest, key)


def kept_name(column: Sequence[str], number: int) -> str:
    """What is kept of a caller's name for a note, or for where it comes from; empty when there is none."""
    return column[number][:LONGEST_NAME] if column else ""
