"""A rollout on a stage: service, servers, registry and clocks in memory, moved by hand."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from clinical_ner import version_states
from clinical_ner.errors import Conflict, MetricsUnavailable, RegistryError, RolloutError
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.explanation import explain
from clinical_ner.rollout.machine.actions import MoveLivePointer, RaiseFence, RegistryAction, WithdrawVersion
from clinical_ner.rollout.machine.advancing import advance
from clinical_ner.rollout.machine.facts import Facts, Standing
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.runner import carry_out
from clinical_ner.rollout.status import Abort, Approval, Instant, Phase, Requests, RolloutSpec, RolloutStatus
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import Cause, State, States
from tests.clinical_ner.rollout.simulated_service import SimulatedService
from tests.clinical_ner.rollout.traffic import Server, Source

START = datetime(2026, 3, 1, tzinfo=UTC)
OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HOLD, REQUESTS, READY, INCONCLUSIVE = 45.0, 120, 120.0, 300.0
RULES = AnalysisRules(
    tolerated_errors=0.1, allowed_errors=0.3, allowed_refusals=0.3, allowed_slow_median=0.3, allowed_slow_tail=0.3
)
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=HOLD, min_requests=REQUESTS) for percent in (5, 50, 100))


def states_before():
    """v1 is live, v2 approved."""
    cause = Cause("test", START, "set up")
    states = version_states.move(States(), "v1", OLD, State.APPROVED, cause)
    states = version_states.promote(states, "v1", OLD, cause)
    return version_states.move(states, "v2", NEW, State.APPROVED, cause)


class Stage:
    """``carried`` and ``answered`` keep what really happened at each share of the traffic, which the machine cannot see."""

    def __init__(self):
        super().__init__()
        self.service = SimulatedService(stable=Backend("v1", OLD, ready=True))
        self.source = Source({"v1": Server(OLD), "v2": Server(NEW)})
        self.states, self.digest = states_before(), NEW
        self.status, self.requests = RolloutStatus(), Requests()
        self.ticks, self.wall, self.counter = 0.0, START, "boot-0"
        self.carried, self.answered = Counter(), Counter()
        self.left_over = []
        self.superseded_by = self.ahead = ""

    def set_out(self, approval="none", **changes):
        """Write a rollout of v2 down."""
        plan = RolloutPlan(steps=STEPS, ready_seconds=READY, inconclusive_seconds=INCONCLUSIVE, approval=approval, rules=RULES)
        fields = {"name": "v2", "model": "clinical-ner", "version": "v2", "digest": NEW, "uri": "s3://m/v2", "plan": plan}
        self.spec = RolloutSpec(**{**fields, "created": START, "actor": "doctor", "reason": "approved", **changes})
        return self

    # What a runner does.

    def transition(self, facts=None):
        now = Instant(time=self.wall, ticks=self.ticks, counter=self.counter)
        return advance(self.spec, self.status, facts or self.facts(), now)

    def facts(self):
        problems = []
        return Facts(
            target=self.ask(self.service.observe, problems),
            registry=self.standing("v2", self.digest),
            canary=self.ask(lambda: self.source.read("v2"), problems),
            stable=self.ask(lambda: self.source.read("v1"), problems),
            requests=self.requests,
            ahead=self.ahead,
            superseded_by=self.superseded_by,
            problems=tuple(problems),
        )

    def standing(self, version, digest):
        states = self.states
        return Standing(states.of(version) if digest else None, digest, states.live, states.token, states.fence)

    @staticmethod
    def ask(question, problems):
        try:
            return question()
        except (RolloutError, MetricsUnavailable) as error:
            problems.append(str(error))

    def act(self, action, seen):
        try:
            if isinstance(action, RegistryAction):
                self.tell(action, seen.registry)
            elif seen.target is not None:
                carry_out(self.service, action, seen.target)
        except (RolloutError, RegistryError, Conflict):
            pass

    def tell(self, action, seen):
        """As the registry does it."""
        cause, after = Cause("rollout", self.wall, "said so"), self.states
        match action:
            case MoveLivePointer(version, restore):
                after = version_states.promote(after, version, {"v1": OLD, "v2": NEW}[version], cause, restore=restore)
            case WithdrawVersion(version):
                after = version_states.roll_back(after, version, NEW, cause)
            case RaiseFence(by):
                after = version_states.raise_fence(after, by)
        if not isinstance(action, RaiseFence) and seen.token != self.states.token:
            raise Conflict("the registry is another by now")
        self.states = after

    def check(self, action):
        """Called before each action."""

    def look(self, done=9):
        """One look; only the first ``done`` actions happen before the process is killed."""
        facts = self.facts()
        self.status, actions = self.transition(facts)
        for number, action in enumerate(actions):
            self.check(action)
            if number < done:
                self.act(action, facts)
            else:
                self.left_over.append((action, facts))
        return actions

    def go_well(self, looks):
        """Some time in which nothing goes wrong."""
        self.service.reachable, self.service.wavering, self.source.failing = True, False, frozenset()
        stable = self.service.stable
        if stable and not stable.ready:
            self.change_stable(ready=True)
        for _ in range(looks):
            self.look()
            self.service.settle()
            self.traffic(20)
            self.pass_time(5)

    def go_to(self, phase, percent=0, looks=80):
        """Go well until the canary is in this phase, at this share if it is not 0."""
        for _ in range(looks):
            if self.status.phase is phase and (not percent or self.service.carried == percent):
                return self
            self.go_well(1)
        raise AssertionError(f"never {phase} at {percent} %: {self.status.phase}, {self.status.reason}")

    def check_back(self, words, *, state=State.APPROVED):
        """After everything went back, for a reason with these words; v2 is then in ``state``."""
        self.go_well(8)
        assert self.status.phase is Phase.ROLLED_BACK, self.status.reason
        assert words in self.status.reason
        assert words in explain(self.spec, self.status)
        assert (self.service.stable.version, self.service.canary, self.states.live) == ("v1", None, "v1")
        assert self.states.of("v2") is state

    # What the world does.

    def traffic(self, requests, errors=0):
        percent = self.service.carried
        if self.service.stable and percent < 100:
            self.source.servers["v1"].answer(requests)
        if self.service.canary and percent:
            self.source.servers["v2"].answer(requests, min(errors, requests))
            self.answered[percent] += requests

    def pass_time(self, seconds):
        self.ticks += seconds
        self.wall += timedelta(seconds=seconds)
        if self.service.canary and self.service.canary.ready:
            self.carried[self.service.carried] += seconds

    def change_canary(self, **changes):
        if self.service.canary:
            self.service.canary = replace(self.service.canary, **changes)
            self.service.loading = not self.service.canary.ready
            self.service.changed()

    def crash_canary(self):
        if self.service.canary:
            self.change_canary(ready=False, restarts=self.service.canary.restarts + 1)
            self.source.servers["v2"].restart()

    def change_stable(self, **changes):
        self.service.stable = replace(self.service.stable, **changes)
        self.service.changed()

    def restart_stable(self):
        self.change_stable(restarts=self.service.stable.restarts + 1)
        self.source.servers["v1"].restart()

    def approve(self, gate):
        approval = Approval(gate=gate, actor="doctor", time=self.wall, reason="looked at it")
        self.requests = self.requests.model_copy(update={"approvals": (*self.requests.approvals, approval)})

    def abort(self, withdraw=False):
        if not self.requests.abort:
            abort = Abort(actor="doctor", time=self.wall, reason="stop", withdraw=withdraw)
            self.requests = self.requests.model_copy(update={"abort": abort})
