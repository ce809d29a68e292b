"""What whoever advances rollouts shows of them to Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase, Verdict

_VERDICTS: tuple[Verdict, ...] = ("pass", "fail", "inconclusive")


class RolloutMetrics:
    """Gauges of every rollout under way, and of the newest that has ended; each labelled by model, rollout and version."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["model_name", "rollout", "model_version"]

        def gauge(name: str, meaning: str, *more: str) -> Gauge:
            return Gauge(f"clinical_ner_rollout_{name}", meaning, [*labels, *more], registry=registry)

        self._phase = gauge("phase", "1 for the phase that the rollout is in, 0 for the others.", "phase")
        self._verdict = gauge("verdict", "1 for what the latest look at the present step said, 0 for the others.", "verdict")
        self._step = gauge("step", "The step that is asked for, held, or waits to be; the first is 0.")
        self._percent = gauge("canary_percent", "The canary's proven share of the traffic; NaN while it is unknown.")
        self._seconds = gauge("phase_seconds", "In this phase, while somebody looked.")
        self._looked = gauge("looked_timestamp_seconds", "When the rollout was advanced last.")
        self._problems = gauge("problems", "What could not be asked or done at the last look.")
        self._all = (self._phase, self._verdict, self._step, self._percent, self._seconds, self._looked, self._problems)

    def show(self, rollouts: Iterable[Stored]) -> None:
        """Put these in place of what was shown before; ``rollouts`` are all of a service, the oldest first."""
        known = list(rollouts)
        ended = [stored for stored in known if stored.status.ended][-1:]
        for gauge in self._all:
            gauge.clear()
        for stored in [*ended, *(stored for stored in known if not stored.status.ended)]:
            self._show(stored)

    def _show(self, stored: Stored) -> None:
        spec, status = stored.spec, stored.status
        labels = (spec.model, spec.name, spec.version)
        for phase in Phase:
            self._phase.labels(*labels, phase).set(phase is status.phase)
        found = status.hold.analysis if status.hold else None
        for verdict in _VERDICTS:
            self._verdict.labels(*labels, verdict).set(found is not None and found.verdict == verdict)
        self._step.labels(*labels).set(status.step)
        self._percent.labels(*labels).set(float("nan") if status.percent is None else status.percent)
        self._seconds.labels(*labels).set(status.phase_seconds)
        self._problems.labels(*labels).set(len(status.problems))
        if status.seen_at:
            self._looked.labels(*labels).set(status.seen_at.time.timestamp())
