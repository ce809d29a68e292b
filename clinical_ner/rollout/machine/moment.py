"""One moment of a rollout: all that is known, and how to say what comes of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from clinical_ner.rollout.machine.actions import Action
from clinical_ner.rollout.machine.facts import Facts
from clinical_ner.rollout.status import ENDS, Event, Hold, Phase, RolloutSpec, RolloutStatus
from clinical_ner.rollout.targets import ModelReference, Observation

MAX_EVENTS = 100


class Transition(NamedTuple):
    """What is to be written down, and then done."""

    status: RolloutStatus
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """``status`` is what was written down last, with its times brought up to ``now``."""

    spec: RolloutSpec
    status: RolloutStatus
    facts: Facts
    target: Observation
    elapsed: float
    """Seconds since the last look, at most ``MAX_GAP_SECONDS``."""
    now: datetime

    @property
    def model(self) -> ModelReference:
        return ModelReference(self.spec.version, self.spec.digest, self.spec.uri)

    @property
    def promoted(self) -> bool:
        """Whether the target has made the canary the stable."""
        stable = self.target.stable
        return self.status.phase is Phase.PROMOTING and stable is not None and stable.version == self.spec.version

    @property
    def percent(self) -> int:
        """What the canary carries, or is to carry, in this phase."""
        steps = self.spec.plan.steps
        if self.status.phase is Phase.WAITING_APPROVAL and self.status.step:
            return steps[self.status.step - 1].percent
        if self.status.phase in {Phase.SHIFTING, Phase.HOLDING, Phase.PROMOTING}:
            return steps[self.status.step].percent
        return 0

    @property
    def stable_fit(self) -> bool:
        """Whether the stable can carry what it must; a service without one, or one that is to be left, asks nothing of it."""
        if not self.status.stable_version or self.spec.purpose == "restore":
            return True
        return self.target.stable is not None and self.target.stable.ready

    @property
    def stable_answers(self) -> bool:
        """Whether calls can be sent back to the stable, if with fewer processes; asks nothing of a service without one."""
        return not self.status.stable_version or (self.target.stable is not None and self.target.stable.answers)

    def stay(self, waits_for: str, *actions: Action, **changes: object) -> Transition:
        """Nothing new but what is waited for, and further fields."""
        return Transition(self.status.model_copy(update={"waits_for": waits_for, **changes}), actions)

    def to(self, phase: Phase, reason: str, waits_for: str, *actions: Action, **changes: object) -> Transition:
        """Enter ``phase``, which may be the present one at another step."""
        step = changes.get("step", self.status.step)
        event = Event(time=self.now, phase=phase, step=int(str(step)), reason=reason)
        update: dict[str, object] = {
            "phase": phase,
            "reason": reason,
            "waits_for": "" if phase in ENDS else waits_for,
            "phase_seconds": 0.0,
            "events": (*self.status.events, event)[-MAX_EVENTS:],
        }
        return Transition(self.status.model_copy(update={**update, **changes}), actions)

    def with_hold(self, hold: Hold) -> "Moment":
        """The same moment with another hold."""
        status = self.status.model_copy(update={"hold": hold})
        return Moment(self.spec, status, self.facts, self.target, self.elapsed, self.now)
