"""Whatever happens in whatever order, a rollout keeps its promises."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clinical_ner.rollout.machine.actions import AbortCanary, MoveLivePointer, PromoteCanary, SetPercent
from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.stage import HOLD, REQUESTS, STEPS, Stage

LEFT = ("all", "some", "none")
"""How many of the stable's processes answer."""
TROUBLES = ("", "", "crash", "unready", "order", "order", "split", "deleted", "errors")


class Rollout(Stage, RuleBasedStateMachine):
    """Rules are what may happen at any time; invariants and ``check`` are what is promised."""

    ended_as = None

    @initialize(
        approval=st.sampled_from(["none", "none", "before-start", "before-100"]),
        trouble=st.sampled_from(TROUBLES),
        looks=st.sampled_from([0, 0, 20, 32]),
        left=st.sampled_from(LEFT),
    )
    def begin(self, approval, trouble, looks, left):
        """``trouble`` is the one thing, if any, that ends the rollout in this run: with all of them at once none goes far.

        ``looks`` went well before anything else, so that each phase is met by everything.
        """
        self.trouble = trouble
        self.set_out(approval).go_well(looks)
        self.stable_falters(left, restarts=False)

    @rule(done=st.integers(0, 3))
    def look_and_die(self, done):
        self.look(done)

    @rule()
    def die_before_writing(self):
        """What was thought and not written never was."""
        self.transition()

    @precondition(lambda self: self.left_over)
    @rule(data=st.data())
    def wake_a_sleeper(self, data):
        """A runner that slept after writing does now what it wanted to do then."""
        self.act(*self.left_over.pop(data.draw(st.integers(0, len(self.left_over) - 1))))

    @rule(looks=st.integers(1, 12))
    def go_on(self, looks):
        self.go_well(looks)

    @rule(looks=st.integers(1, 60))
    def go_on_long(self, looks):
        self.go_well(looks)

    @rule()
    def settle(self):
        self.service.settle()

    @rule(requests=st.integers(0, 300), errors=st.sampled_from([0, 0, 0, 1]))
    def be_asked(self, requests, errors):
        self.traffic(requests, errors)

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds):
        self.pass_time(seconds)

    @rule(hours=st.floats(-100, 100))
    def clock_jumps(self, hours):
        self.wall += timedelta(hours=hours)

    @rule()
    def another_machine(self):
        """Whose monotonic clock counts from elsewhere."""
        self.counter, self.ticks = self.counter + "+", self.ticks * 7 % 1000

    @rule(left=st.sampled_from(LEFT), restarts=st.booleans())
    def stable_falters(self, left, restarts):
        if self.service.stable and self.service.stable.version == "v1":
            self.change_stable(ready=left == "all", some_ready=left == "some")
            if restarts:
                self.restart_stable()

    @rule(looks=st.integers(1, 5), of=st.sampled_from(["v1", "v2", "v1 v2"]))
    def metrics_are_gone(self, looks, of):
        self.source.failing = frozenset(of.split())
        for _ in range(looks):
            self.look()
            self.pass_time(3)

    @rule(looks=st.integers(1, 5))
    def api_is_gone(self, looks):
        self.service.reachable = False
        for _ in range(looks):
            self.look()
            self.pass_time(30)
        self.service.reachable = True

    @rule(looks=st.integers(1, 3))
    def share_is_unknown(self, looks):
        """As after a controller's start, or while a route is not ready."""
        self.service.wavering = True
        for _ in range(looks):
            self.look()
            self.pass_time(5)
        self.service.wavering = False

    @rule(gate=st.sampled_from(["start", "promotion"]))
    def somebody_approves(self, gate):
        self.approve(gate)

    @precondition(lambda self: self.trouble)
    @rule(withdraw=st.booleans(), percent=st.sampled_from([0, 7, 100]), look=st.booleans())
    def trouble_comes(self, withdraw, percent, look):
        match self.trouble:
            case "errors":
                self.traffic(300, 250)
            case "crash":
                self.crash_canary()
            case "unready":
                self.change_canary(ready=False)
            case "order":
                self.abort(withdraw)
            case "split":
                self.edit_split(percent)
            case "deleted":
                self.service.missing = True
                self.service.changed()
        if look:
            self.look()

    def edit_split(self, percent):
        """By hand, while both sides answer."""
        canary, stable = self.service.canary, self.service.stable
        if canary and canary.ready and stable and stable.ready:
            self.service.asked = percent
            self.service.changed()

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
    def the_way_back_is_taken(self):
        """As soon as the stable answers, if with fewer processes than it had."""
        service = self.service
        known = service.reachable and not service.missing and service.canary and service.stable
        if known and self.status.phase is Phase.ROLLING_BACK and service.stable.version == "v1" and service.stable.answers:
            assert AbortCanary() in self.transition().actions

    @invariant()
    def an_end_is_final(self):
        """Whoever wakes up after it finds nothing left to do."""
        if self.ended_as is not None:
            while self.left_over:
                self.act(*self.left_over.pop())
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


def test_rollout_succeeds_when_nothing_goes_wrong():
    """The properties above would hold of a machine that never does anything."""
    stage = Stage().set_out()
    stage.go_well(70)
    assert stage.status.phase is Phase.SUCCEEDED, stage.status.waits_for
    assert stage.service.canaries_started == 1


@pytest.mark.parametrize("looks", range(0, 60, 5))
def test_lost_process_of_the_stable_hinders_no_way_back(looks):
    """One of many that is down for good: what is left of them takes the traffic at once."""
    stage = Stage().set_out()
    stage.go_well(looks)
    promoted = stage.service.stable.version == "v2"
    if not promoted:
        stage.change_stable(ready=False, some_ready=True)
    stage.abort()
    for _ in range(10):
        stage.look()
        stage.service.settle()
    assert stage.status.phase is (Phase.SUCCEEDED if promoted else Phase.ROLLED_BACK)


@pytest.mark.parametrize("looks", range(0, 60, 2))
def test_rollout_goes_back_from_everywhere(looks):
    """However far it has come, an order to end it brings the old version back, unless it has been promoted already.

    A runner that slept meanwhile, and wakes up after the end, changes nothing of it.
    """
    stage = Stage().set_out()
    stage.go_well(looks)
    stage.look(done=0)
    promoted, ended = stage.service.stable.version == "v2", stage.status.ended
    stage.abort()
    stage.go_well(10)
    for action, seen in stage.left_over:
        stage.act(action, seen)
    assert stage.status.phase is (Phase.SUCCEEDED if promoted else Phase.ROLLED_BACK)
    assert ("the order to end it came after" in stage.status.reason) is (promoted and not ended)
    live = "v2" if promoted else "v1"
    assert (stage.states.live, stage.service.stable.version, stage.service.canary) == (live, live, None)
