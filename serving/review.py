"""Answered notes on their way to review: the sampler as the settings want it."""

from collections.abc import Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.key import read_key
from clinical_ner.model_package import Manifest
from clinical_ner.review.answered import AnsweredNote, ServedModel
from clinical_ner.review.metrics import ReviewMetrics
from clinical_ner.review.sampling import SamplingPlan
from clinical_ner.storage import open_storage
from serving.request_log import RequestNotes, kept_name
from serving.settings import ServingSettings
from serving.tagging import NoteAnnotation


class Sampler(Protocol):
    """:class:`clinical_ner.review.sampler.ReviewSampler`, which takes a second to import, is one."""

    def consider(self, note: AnsweredNote) -> bool: ...
    def close(self, timeout_seconds: float) -> None: ...


class RequestReview:
    """Offers the sampler every answered note, under the record id of its reply."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def answered(self, notes: RequestNotes, annotations: Sequence[NoteAnnotation]) -> None:
        """Offer the notes of a request that is logged and about to be answered; takes microseconds and raises nothing."""
        request = notes.request
        for number, annotation in enumerate(annotations):
            self._sampler.consider(
                AnsweredNote(
                    record_id=notes.record_ids[number],
                    time=request.arrival.time,
                    site=kept_name(request.sites, number),
                    specialty=kept_name(request.specialties, number),
                    text=request.texts[number],
                    entities=annotation.entities,
                )
            )

    def close(self, timeout_seconds: float) -> None:
        """Store what was drawn, for at most so long."""
        self._sampler.close(timeout_seconds)


def open_review(settings: ServingSettings, manifest: Manifest, registry: CollectorRegistry) -> RequestReview | None:
    """What the settings ask for; None, with nothing imported, when they draw no note. Takes some seconds.

    Raises:
        ConfigError: there is no store for samples, it or the key cannot be used, or a package is not installed.
    """
    if not (settings.review_uniform_probability or settings.review_low_confidence_probability):
        return None
    uri = settings.review_samples_uri or settings.inference_log_uri
    if not uri:
        raise ConfigError("review samples need a store: give --review-samples-uri or --inference-log-uri")
    plan = SamplingPlan(
        settings.review_uniform_probability,
        settings.review_low_confidence_probability,
        settings.review_low_confidence_threshold,
        read_key(settings.inference_log_key, settings.inference_log_key_file),
    )
    model = ServedModel(manifest.name, manifest.served_version, manifest.model_digest)
    try:
        from clinical_ner.review.sampler import ReviewSampler
    except ModuleNotFoundError as error:
        raise ConfigError(f"review samples need the package {error.name!r}; install clinical-ner[serve]") from error
    return RequestReview(ReviewSampler(plan, model, open_storage(uri), ReviewMetrics(registry, model.version)))
