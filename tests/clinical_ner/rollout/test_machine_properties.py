"""Whatever happens in whatever order, a rollout keeps its promises."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clinical_ner import version_states
from clinical_ner.errors import MetricsUnavailable, RegistryError, RolloutError
from clinical_ner.rollout.actions import MoveLivePointer, PromoteCanary, SetPercent, WithdrawVersion
from clinical_ner.rollout.facts import Facts, Standing
from clinical_ner.rollout.machine import advance
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.rules import AnalysisRules
from clinical_ner.rollout.runner import carry_out
from clinical_ner.rollout.status import Abort, Approval, Instant, Phase, Requests, RolloutSpec, RolloutStatus
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import Cause, State, States
from tests.clinical_ner.rollout.simulated_service import SimulatedService
from tests.clinical_ner.rollout.traffic import Server, Source

START = datetime(2026, 3, 1, tzinfo=UTC)
OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HOLD, REQUESTS = 45.0, 120
RULES = AnalysisRules(
    tolerated_errors=0.1, allowed_errors=0.3, allowed_refusals=0.3, allowed_slow_median=0.3, allowed_slow_tail=0.3
)
TROUBLES = ("", "", "", "canary", "order", "split", "deleted", "errors")
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=HOLD, min_requests=REQUESTS) for percent in (5, 50, 100))


class Rollout(RuleBasedStateMachine):
    """``carried`` and ``answered`` keep what really happened at each share of the traffic, which the machine cannot see."""

    def __init__(self):
        super().__init__()
        self.service = SimulatedService(stable=Backend("v1", OLD, ready=True))
        self.source = Source({"v1": Server(OLD), "v2": Server(NEW)})
        cause = Cause("test", START, "set up")
        states = version_states.move(States(), "v1", OLD, State.APPROVED, cause)
        states = version_states.promote(states, "v1", OLD, cause)
        self.states = version_states.move(states, "v2", NEW, State.APPROVED, cause)
        self.status, self.requests = RolloutStatus(), Requests()
        self.ticks, self.wall, self.counter = 0.0, START, "boot-0"
        self.carried, self.answered = Counter(), Counter()
        self.left_over = []
        self.ended_as = None

    @initialize(approval=st.sampled_from(["none", "none", "before-start", "before-100"]), trouble=st.sampled_from(TROUBLES))
    def plan(self, approval, trouble=""):
        """``trouble`` is the one thing, if any, that ends the rollout in this run: with all of them at once none goes far."""
        self.trouble = trouble
        plan = RolloutPlan(steps=STEPS, ready_seconds=120, inconclusive_seconds=300, approval=approval, rules=RULES)
        self.spec = RolloutSpec(
            name="v2",
            model="clinical-ner",
            version="v2",
            digest=NEW,
            uri="s3://m/v2",
            plan=plan,
            created=START,
            actor="a",
            reason="r",
        )

    # What the runner does, killed at any point.

    def transition(self):
        return advance(self.spec, self.status, self.facts(), Instant(time=self.wall, ticks=self.ticks, counter=self.counter))

    def facts(self):
        problems = []
        return Facts(
            target=self.ask(self.service.observe, problems),
            registry=Standing(self.states.of("v2"), NEW, self.states.live),
            canary=self.ask(lambda: self.source.read("v2"), problems),
            stable=self.ask(lambda: self.source.read("v1"), problems),
            requests=self.requests,
            problems=tuple(problems),
        )

    @staticmethod
    def ask(question, problems):
        try:
            return question()
        except (RolloutError, MetricsUnavailable) as error:
            problems.append(str(error))

    def act(self, action, seen):
        cause = Cause("rollout", self.wall, "said so")
        try:
            if isinstance(action, MoveLivePointer):
                digest = {"v1": OLD, "v2": NEW}[action.version]
                self.states = version_states.promote(self.states, action.version, digest, cause, restore=action.restore)
            elif isinstance(action, WithdrawVersion):
                self.states = version_states.roll_back(self.states, action.version, NEW, cause)
            elif seen is not None:
                carry_out(self.service, action, seen)
        except (RolloutError, RegistryError):
            pass

    @rule(done=st.integers(0, 3))
    def look(self, done=3):
        """One look; only the first ``done`` actions happen before the process is killed."""
        target = None if not self.service.reachable else self.service.observe()
        status, actions = self.transition()
        self.status = status
        for number, action in enumerate(actions):
            self.check(action)
            if number < done:
                self.act(action, target)
            else:
                self.left_over.append((action, target))

    @rule()
    def killed_before_writing(self):
        """What was thought and not written never was."""
        self.transition()

    @precondition(lambda self: self.left_over)
    @rule(data=st.data())
    def sleeper_wakes(self, data):
        """A runner that slept after writing does now what it wanted to do then."""
        action, seen = self.left_over.pop(data.draw(st.integers(0, len(self.left_over) - 1)))
        if not isinstance(action, MoveLivePointer | WithdrawVersion):
            self.act(action, seen)

    @rule(looks=st.integers(1, 12))
    def go_on(self, looks):
        self.go_well(looks)

    @rule(looks=st.integers(1, 60))
    def go_well(self, looks):
        """Some time in which nothing goes wrong."""
        self.service.reachable, self.source.failing = True, False
        stable = self.service.stable
        if stable and not stable.ready:
            self.service.stable = replace(stable, ready=True)
            self.service.changed()
        for _ in range(looks):
            self.look()
            self.service.settle()
            self.traffic(20, 0)
            self.time_passes(5)

    # What the world does.

    @rule()
    def settle(self):
        self.service.settle()

    @precondition(lambda self: self.trouble == "errors")
    @rule()
    def errors(self):
        self.traffic(300, 250)

    @rule(requests=st.integers(0, 300), errors=st.sampled_from([0, 0, 0, 1]))
    def traffic(self, requests, errors):
        percent = self.service.carried
        if self.service.stable and percent < 100:
            self.source.servers["v1"].answer(requests)
        if self.service.canary and percent:
            self.source.servers["v2"].answer(requests, min(errors, requests))
            self.answered[percent] += requests

    @rule(seconds=st.floats(0, 90))
    def time_passes(self, seconds):
        self.ticks += seconds
        self.wall += timedelta(seconds=seconds)
        if self.service.canary and self.service.canary.ready:
            self.carried[self.service.carried] += seconds

    @rule(hours=st.floats(-100, 100))
    def clock_jumps(self, hours):
        self.wall += timedelta(hours=hours)

    @rule()
    def another_machine(self):
        """Whose monotonic clock counts from elsewhere."""
        self.counter, self.ticks = self.counter + "+", self.ticks * 7 % 1000

    @precondition(lambda self: self.trouble == "canary")
    @rule()
    def canary_crashes(self):
        if self.service.canary:
            self.service.canary = replace(self.service.canary, ready=False, restarts=self.service.canary.restarts + 1)
            self.service.loading = True
            self.source.servers["v2"].restart()
            self.service.changed()

    @precondition(lambda self: self.trouble == "canary")
    @rule()
    def canary_is_not_ready(self):
        if self.service.canary:
            self.service.canary = replace(self.service.canary, ready=False)
            self.service.loading = True
            self.service.changed()

    @rule(ready=st.booleans(), restarts=st.booleans())
    def stable_changes(self, ready, restarts):
        if self.service.stable and self.service.stable.version == "v1":
            self.service.stable = replace(self.service.stable, ready=ready, restarts=self.service.stable.restarts + restarts)
            if restarts:
                self.source.servers["v1"].restart()
            self.service.changed()

    @rule(looks=st.integers(1, 5))
    def metrics_are_gone(self, looks):
        self.source.failing = True
        for _ in range(looks):
            self.look()
            self.time_passes(3)

    @rule(looks=st.integers(1, 5))
    def api_is_gone(self, looks):
        self.service.reachable = False
        for _ in range(looks):
            self.look()
            self.time_passes(30)
        self.service.reachable = True

    @rule(gate=st.sampled_from(["start", "promotion"]))
    def approve(self, gate):
        approval = Approval(gate=gate, actor="doctor", time=self.wall, reason="looked at it")
        self.requests = self.requests.model_copy(update={"approvals": (*self.requests.approvals, approval)})

    @precondition(lambda self: self.trouble == "order")
    @rule(withdraw=st.booleans())
    def abort(self, withdraw):
        if not self.requests.abort:
            abort = Abort(actor="doctor", time=self.wall, reason="stop", withdraw=withdraw)
            self.requests = self.requests.model_copy(update={"abort": abort})

    @precondition(lambda self: self.trouble == "split")
    @rule(percent=st.sampled_from([0, 7, 100]))
    def somebody_edits_the_split(self, percent):
        canary, stable = self.service.canary, self.service.stable
        if canary and canary.ready and stable and stable.ready:
            self.service.asked = percent
            self.service.changed()

    @precondition(lambda self: self.trouble == "deleted")
    @rule()
    def service_is_deleted(self):
        self.service.missing = True
        self.service.changed()

    # What it promises.

    def check(self, action):
        """An action is asked for only on the evidence that it needs."""
        if isinstance(action, MoveLivePointer) and not action.restore:
            self.check_evidence(STEPS)
        if isinstance(action, PromoteCanary):
            self.check_evidence(STEPS)
            assert self.states.live == "v2"
        if isinstance(action, SetPercent) and action.percent:
            assert self.service.canary.ready
            self.check_evidence([step for step in STEPS if step.percent < action.percent])
            if action.percent == 100 and self.spec.plan.approval == "before-100":
                assert self.requests.approves("promotion")
            if self.spec.plan.approval == "before-start":
                assert self.requests.approves("start")

    def check_evidence(self, steps):
        """Each step passed, was really held so long, and really answered so much."""
        assert [record.percent for record in self.status.steps] == [step.percent for step in steps]
        for record in self.status.steps:
            assert record.analysis.verdict == "pass"
            assert record.analysis.full
            assert HOLD <= record.held_seconds <= self.carried[record.percent] + 1e-6
            assert REQUESTS <= record.requests <= self.answered[record.percent]

    @invariant()
    def the_stable_stays(self):
        """Until every step has passed, the old version is there and live."""
        if len(self.status.steps) < len(STEPS):
            assert self.states.live == "v1"
            assert self.service.stable.version == "v1"

    @invariant()
    def an_end_is_final(self):
        if self.ended_as is not None:
            assert self.status == self.ended_as
            assert not self.transition().actions
        if self.status.ended:
            self.ended_as = self.status
            event(f"{self.trouble or 'no trouble'}: {self.status.phase}")

    @invariant()
    def an_end_is_what_it_says(self):
        if self.service.missing:
            return
        if self.status.phase is Phase.SUCCEEDED:
            assert (self.states.live, self.service.stable.version, self.service.canary) == ("v2", "v2", None)
        if self.status.phase is Phase.ROLLED_BACK:
            assert (self.states.live, self.service.stable.version, self.service.canary) == ("v1", "v1", None)
        if self.status.ended:
            assert self.status.reason
        else:
            assert self.status.waits_for or self.status.phase is Phase.PENDING


Rollout.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRollout = Rollout.TestCase


def well():
    """A rollout before anything has happened."""
    rollout = Rollout()
    rollout.plan("none")
    return rollout


def test_rollout_succeeds_when_nothing_goes_wrong():
    """The properties above would hold of a machine that never does anything."""
    rollout = well()
    rollout.go_well(70)
    assert rollout.status.phase is Phase.SUCCEEDED, rollout.status.waits_for
    assert rollout.service.canaries_started == 1


@pytest.mark.parametrize("looks", range(0, 60, 2))
def test_rollout_goes_back_from_everywhere(looks):
    """However far it has come, an order to end it brings the old version back, unless it has been promoted already."""
    rollout = well()
    rollout.go_well(looks)
    promoted = rollout.service.stable.version == "v2"
    if not rollout.status.ended:
        rollout.abort(False)
    rollout.go_well(10)
    assert rollout.status.phase is (Phase.SUCCEEDED if promoted else Phase.ROLLED_BACK)
