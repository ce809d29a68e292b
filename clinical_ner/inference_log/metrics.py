"""What is counted of the inference log; every series carries the ``model_version`` of the server that counts."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

LOSS_REASONS = ("spool-cap", "spool-write", "damaged", "removed")
FAILED_STEPS = ("spool", "send", "convert", "thread")


class LogMetrics:
    """The log's series in ``registry``; each value of ``reason`` and ``step`` is there from the beginning, as 0."""

    def __init__(self, registry: CollectorRegistry, model_version: str) -> None:
        def counter(name: str, help_text: str, label: str = "") -> Counter:
            return Counter(f"clinical_ner_log_{name}", help_text, ["model_version", *filter(None, [label])], registry=registry)

        def gauge(name: str, help_text: str) -> Gauge:
            return Gauge(f"clinical_ner_log_{name}", help_text, ["model_version"], registry=registry).labels(model_version)

        losses = counter("lost_records", "Records lost, by reason.", "reason")
        failures = counter("failures", "Attempts that failed, by step; repeated ones count again.", "step")
        self._losses = {reason: losses.labels(model_version, reason) for reason in LOSS_REASONS}
        self._failures = {step: failures.labels(model_version, step) for step in FAILED_STEPS}
        self._written = counter("records", "Records written to the spool.").labels(model_version)
        self._sent = counter("sent_records", "Records sent to the store; after a crash some twice.").labels(model_version)
        self._waiting = gauge("waiting_bytes", "Bytes in the spool that are not sent.")
        self._oldest = gauge("oldest_unsent_seconds", "Age of the oldest record that is not sent.")

    def watch(self, waiting_bytes: Callable[[], float], oldest_seconds: Callable[[], float]) -> None:
        """Ask these when the metrics are read, so that they are true while the sending thread is stuck."""
        self._waiting.set_function(waiting_bytes)
        self._oldest.set_function(oldest_seconds)

    def write(self, records: int) -> None:
        self._written.inc(records)

    def send(self, records: int) -> None:
        self._sent.inc(records)

    def fail(self, step: str) -> None:
        """``step`` is one of :data:`FAILED_STEPS`."""
        self._failures[step].inc()

    def lose(self, reason: str, records: int) -> None:
        """``reason`` is one of :data:`LOSS_REASONS`."""
        self._losses[reason].inc(records)
