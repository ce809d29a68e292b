"""The loop of a controller: whenever it holds the Lease, it advances all rollouts of its service by one look.

Nothing is watched or queued: each round reads everything anew, so that whatever was missed, refused or lost is seen at the next
one. A round that fails, because the API server is away or refuses, is told, and followed by the next.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from clinical_ner.errors import ClinicalNerError
from clinical_ner.rollout.controller.lease import ClusterLease
from clinical_ner.rollout.controller.metrics import ControllerMetrics
from clinical_ner.rollout.controller.telling import Logger
from clinical_ner.rollout.runner import Runner

INTERVAL_SECONDS = 5.0
STUCK_SECONDS = 300.0
"""A round asks some dozen questions, and each may take its 10 seconds of timeout."""

Outcome = Literal["looked", "waited", "failed"]


@dataclass(slots=True)
class Controller:
    """``runner`` passes the fence of ``lease``."""

    runner: Runner
    lease: ClusterLease
    metrics: ControllerMetrics
    log: Logger
    monotonic: Callable[[], float] = time.monotonic
    _ended_round: float = field(init=False)

    def __post_init__(self) -> None:
        self._ended_round = self.monotonic()

    @property
    def healthy(self) -> bool:
        """Whether the loop goes round, even if each round fails: another process would not find a better API server."""
        return self.monotonic() < self._ended_round + STUCK_SECONDS

    def run(self, stop: threading.Event, *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """Go round until ``stop`` is set, to the end of the round under way; the Lease is given back then."""
        try:
            while not stop.is_set():
                self.round()
                stop.wait(interval_seconds)
        finally:
            self.lease.release()
            self.metrics.leading.set(0)

    def round(self) -> Outcome:
        """Take or keep the Lease, and advance all rollouts if it is held."""
        try:
            outcome = self._look()
        except ClinicalNerError as error:
            outcome = "failed"
            self.log.warning("round failed", error=type(error).__name__, reason=str(error))
        self.metrics.leading.set(self.lease.held)
        self.metrics.rounds.labels(outcome).inc()
        self._ended_round = self.monotonic()
        return outcome

    def _look(self) -> Outcome:
        held = self.lease.held
        if not self.lease.acquire():
            self._tell_lease(held, "another controller acts")
            self.metrics.rollouts.show(())
            return "waited"
        self._tell_lease(held, "this controller acts")
        self.metrics.unreadable.clear()
        rollouts = self.runner.tick()
        self.metrics.rollouts.show(rollouts)
        return "looked"

    def _tell_lease(self, before: bool, message: str) -> None:
        if before != self.lease.held:
            self.log.info("lease", holder=self.lease.identity, reason=message)
