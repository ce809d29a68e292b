"""What is counted of review samples; every series carries the ``model_version`` of the server that counts."""

from prometheus_client import CollectorRegistry, Counter

from clinical_ner.review.sampling import Stratum

LOSS_REASONS = ("queue-full", "too-long", "not-de-identified", "not-stored", "shutdown")


class ReviewMetrics:
    """The series in ``registry``; each value of ``stratum`` and ``reason`` is there from the beginning, as 0."""

    def __init__(self, registry: CollectorRegistry, model_version: str) -> None:
        def counter(name: str, help_text: str, label: str) -> Counter:
            return Counter(f"clinical_ner_review_{name}", help_text, ["model_version", label], registry=registry)

        stored = counter("samples", "Review samples stored, by stratum.", "stratum")
        lost = counter("lost_samples", "Notes drawn for review that were not stored, by reason.", "reason")
        dropped = Counter(
            "clinical_ner_review_dropped_entities",
            "Predicted entities left out of samples because an identifier shares their text.",
            ["model_version"],
            registry=registry,
        )
        self._stored = {stratum: stored.labels(model_version, str(stratum)) for stratum in Stratum}
        self._lost = {reason: lost.labels(model_version, reason) for reason in LOSS_REASONS}
        self._dropped = dropped.labels(model_version)

    def store(self, stratum: Stratum, dropped_entities: int) -> None:
        self._stored[stratum].inc()
        self._dropped.inc(dropped_entities)

    def lose(self, reason: str, notes: int = 1) -> None:
        """``reason`` is one of :data:`LOSS_REASONS`."""
        self._lost[reason].inc(notes)
