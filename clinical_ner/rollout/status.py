"""Where a rollout stands: all that is written down of it. The shapes are JSON, for the registry and for a custom resource."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from clinical_ner.rollout.analysis.expectation import Expectation
from clinical_ner.rollout.analysis.looks import FIRST_LOOK
from clinical_ner.rollout.counting.counters import Counters, Sample
from clinical_ner.rollout.plan import DEFAULT_PLAN, RolloutPlan
from clinical_ner.rollout.written import Written


class Phase(StrEnum):
    """What a rollout is doing; the last three are ends."""

    PENDING = "pending"
    """Nothing was done yet: it was just made, or waits for another rollout."""
    WAITING_APPROVAL = "waiting-approval"
    """A person must agree to the canary's start, or to the step to 100 %."""
    STARTING = "starting"
    """The canary was asked for and is not ready yet; it carries nothing."""
    SHIFTING = "shifting"
    """A step's weight was asked for and is not proven yet."""
    HOLDING = "holding"
    """The weight is proven; time and requests are collected and judged."""
    PROMOTING = "promoting"
    """Every step passed: the live pointer moves, then the canary becomes the stable."""
    ROLLING_BACK = "rolling-back"
    """Everything goes back to the stable and the canary goes away."""
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    """The stable serves as before; nothing of the canary is left."""
    FAILED = "failed"
    """It ended where it could neither go on nor go back; a person must look."""


ENDS = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.FAILED})

Purpose = Literal["release", "restore"]
Verdict = Literal["pass", "fail", "inconclusive"]


class Instant(Written):
    """A moment as wall and monotonic clocks show it.

    ``ticks`` are seconds of a monotonic clock that ``counter`` names (a machine's boot): only readings of one counter can be
    compared. The wall clock is for people; no hold and no limit depends on it.
    """

    time: AwareDatetime
    ticks: float
    counter: str


class Check(Written):
    """One question of the analysis."""

    name: str
    verdict: Verdict
    value: str
    """Canary and stable, in words."""
    threshold: str
    needed: int = 0
    """Requests of the canary's from which on an identical canary would pass; 0 when the question needs none."""
    reason: str


class Analysis(Written):
    """Canary against stable."""

    verdict: Verdict
    checks: tuple[Check, ...] = ()
    look: int = 1
    """The how-manieth time this step was judged: each look costs confidence."""
    full: bool = True
    """Whether the step had had its time and its requests: without them nothing passes it."""

    @property
    def reason(self) -> str:
        """Of the checks that decide the verdict, what they say."""
        return "; ".join(f"{check.name}: {check.reason}" for check in self.checks if check.verdict == self.verdict)


class Evidence(Written):
    """What one version showed in a step: counts added up over the hold, from reading to reading."""

    sample: Sample = Sample()
    last: Counters | None = None
    """The latest reading, from which the next one counts on."""


class StepRecord(Written):
    """A step that was held and judged."""

    percent: int
    held_seconds: float
    requests: int
    """That the canary answered."""
    stable_requests: int
    analysis: Analysis
    ended: AwareDatetime


class Hold(Written):
    """The step under way."""

    held_seconds: float = 0.0
    """With the weight proven, the canary ready and the stable as it was at the hold's begin."""
    spent_seconds: float = 0.0
    """Since the step was first held, holds that had to begin again included."""
    restarts: int = 0
    """How often the hold began again."""
    looks: int = 0
    full_looks: int = 0
    """Of the looks, those after the step's time and requests, which alone can pass it."""
    next_look: int = FIRST_LOOK
    """Requests of the canary's at which it is judged next."""
    canary: Evidence = Evidence()
    stable: Evidence = Evidence()
    analysis: Analysis | None = None
    """The latest."""


class Seen(Written):
    """What of a backend must not change while a step is held."""

    restarts: int = 0
    incarnation: str = ""


class Event(Written):
    """A change of phase or step: when, and why."""

    time: AwareDatetime
    phase: Phase
    step: int
    reason: str


class RolloutStatus(Written):
    """How far a rollout has come; written by whoever advances it, and by nobody else."""

    phase: Phase = Phase.PENDING
    step: int = 0
    """Index of the step that is asked for, held, or waits to be."""
    reason: str = "it was just made"
    """Why it stands here, in words."""
    waits_for: str = ""
    """What must happen next, in words; empty at an end."""
    percent: int | None = None
    """The canary's proven share when it was last observed."""
    stable_version: str = ""
    """The version that everything falls back to; empty when the service had none."""
    stable_digest: str = ""
    live_before: str | None = None
    """The registry's live version when the canary was started."""
    phase_seconds: float = 0.0
    """In this phase, by the monotonic clock while somebody looked."""
    seen_at: Instant | None = None
    """When it was last advanced."""
    stable_seen: Seen | None = None
    canary_seen: Seen | None = None
    hold: Hold | None = None
    steps: tuple[StepRecord, ...] = ()
    reference: Sample | None = None
    """The stable in the last step that left it traffic: what 100 % is judged against."""
    blamed: bool = False
    """The rollout ends because of the model itself: its version is to be withdrawn for good, and after the end has been."""
    problems: tuple[str, ...] = ()
    """What could not be asked or done at the last attempt (target, metrics, registry), in words."""
    events: tuple[Event, ...] = ()

    @property
    def ended(self) -> bool:
        return self.phase in ENDS

    @property
    def started(self) -> bool:
        """Whether the canary was ever asked for."""
        return self.phase not in {Phase.PENDING, Phase.WAITING_APPROVAL} or bool(self.steps)


class Approval(Written):
    """A person's consent to ``gate``; a second one to the same gate changes nothing."""

    gate: Literal["start", "promotion"]
    actor: str
    time: AwareDatetime
    reason: str


class Abort(Written):
    """A person's or a monitor's order to end the rollout: the one write with which a roll back begins."""

    actor: str
    time: AwareDatetime
    reason: str
    withdraw: bool = False
    """Whether the version is to be withdrawn in the registry too."""


class RolloutSpec(Written):
    """What a rollout is to do; never changes."""

    name: str
    """Of the rollout: the version's, with a number when it is tried again."""
    model: str
    version: str
    digest: str
    uri: str
    """The version's folder, as the target's processes reach it."""
    purpose: Purpose = "release"
    """``restore`` brings back the version before, or the live one: readiness and weights are proven, but it is not judged."""
    withdraws: str = ""
    """The version that a ``restore`` takes the place of, and withdraws in the registry when everybody is served again.

    Without one it brings the live version to a service that has lost it, and changes nothing in the registry.
    """
    plan: RolloutPlan = DEFAULT_PLAN
    expectation: Expectation | None = None
    """What the gate measured of version and champion side by side; without it only collapse is looked for."""
    created: AwareDatetime
    actor: str
    reason: str

    @property
    def returns_live(self) -> bool:
        """Whether it brings the live version to a service that has lost it."""
        return self.purpose == "restore" and not self.withdraws


class Requests(Written):
    """What people asked of a rollout since it was made; only grows."""

    approvals: tuple[Approval, ...] = Field(default=())
    abort: Abort | None = None

    def approves(self, gate: str) -> bool:
        return any(approval.gate == gate for approval in self.approvals)
