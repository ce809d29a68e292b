"""What a controller tells of its rollouts: to the log, as events, and as numbers."""

from dataclasses import dataclass, field

import structlog

from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.controller.metrics import ControllerMetrics
from clinical_ner.rollout.custom_resources.events import RolloutEvents
from clinical_ner.rollout.custom_resources.telling import Telling
from clinical_ner.rollout.records import Stored

Logger = structlog.typing.FilteringBoundLogger


@dataclass(slots=True)
class Teller:
    """Tells as ``instance``, a pod's name. Nothing that fails here stops a rollout."""

    api: KubernetesApi
    instance: str
    log: Logger
    metrics: ControllerMetrics
    _events: RolloutEvents = field(init=False)
    _unreadable: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._events = RolloutEvents(self.api, self.instance, on_failure=self._lose)

    def tell_change(self, before: Stored, after: Stored) -> None:
        """Events, and a line for each change of phase or step and each new problem."""
        status = after.status
        if (before.status.phase, before.status.step) != (status.phase, status.step):
            self.log.info("rollout", rollout=after.spec.name, phase=status.phase, step=status.step, reason=status.reason)
        for problem in sorted(set(status.problems) - set(before.status.problems)):
            self.log.warning("problem", rollout=after.spec.name, reason=problem)
        self._events.tell_change(before, after)

    def tell_unreadable(self, name: str, why: str) -> None:
        """Shown at each look; line and event when it is new."""
        self.metrics.unreadable.labels(name).set(1)
        if self._unreadable.get(name) != why:
            self._unreadable[name] = why
            self.log.warning("unreadable", rollout=name, reason=why)
            self._events.tell(name, Telling("Unreadable", f"{why}; it is left out", warning=True))

    def _lose(self, telling: Telling, error: ClinicalNerError) -> None:
        self.metrics.lost_events.inc()
        self.log.warning("event lost", event_reason=telling.reason, reason=str(error))
