"""The live version comes back to a service that has lost it, or serves another: the registry's versions stay as they are."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from clinical_ner import version_states
from clinical_ner.rollout.machine.actions import MoveLivePointer, SetPercent, WithdrawVersion
from clinical_ner.rollout.specs import RETURN_PLAN
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import Cause, State
from tests.clinical_ner.rollout.machine.test_advancing import TROUBLES, Rollout
from tests.clinical_ner.rollout.stage import NEW, OLD, START, Stage

CAUSE = Cause("test", START, "set up")
SERVED = {"nothing": None, "v1": Backend("v1", OLD, ready=True), "v2": Backend("v2", NEW, ready=True)}
ENDS = [Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.FAILED]


def lose(stage, served):
    """v2 is live, the service has something else or nothing, and somebody asks for v2."""
    stage.service.stable = SERVED[served]
    stage.states = version_states.promote(stage.states, "v2", NEW, CAUSE)
    return stage.set_out(name="v2-again", purpose="restore", plan=RETURN_PLAN)


def serving(stage):
    return stage.service.stable.version if stage.service.stable else "nothing"


def versions(stage):
    return stage.states.changes


@pytest.fixture(params=["nothing", "v1"])
def lost(request):
    return lose(Stage(), request.param)


def test_lost_service_gets_the_live_version_again(lost):
    """Loaded, ready, and everybody's, without a request to judge it by."""
    before = versions(lost)
    for _ in range(12):
        lost.look()
        lost.service.settle()
        lost.pass_time(2)
    assert lost.status.phase is Phase.SUCCEEDED, lost.status.waits_for
    assert (lost.service.stable.version, lost.service.canary) == ("v2", None)
    assert versions(lost) == before


def test_service_that_has_it_is_left_alone():
    """Asked for needlessly, it ends at the first look."""
    stage = lose(Stage(), "v2")
    service, before = stage.service.observe(), versions(stage)
    assert stage.look() == ()
    assert (stage.status.phase, stage.service.observe(), versions(stage)) == (Phase.SUCCEEDED, service, before)


def test_service_that_is_not_there_yet_is_waited_for():
    """Whoever makes it anew, empty, may come later than the order."""
    stage = lose(Stage(), "nothing")
    stage.service.missing = True
    stage.go_well(5)
    assert (stage.status.phase, stage.status.waits_for) == (Phase.PENDING, "the service to exist")
    stage.service.missing = False
    stage.go_to(Phase.SUCCEEDED)


@pytest.mark.parametrize("looks", range(8))
def test_version_that_is_not_live_any_more_does_not_come_back(lost, looks):
    """Somebody went back to v1 meanwhile: the service goes back too while it can, and the registry is left to them."""
    lost.go_well(looks)
    before, promoted = serving(lost), serving(lost) == "v2"
    lost.states = version_states.promote(lost.states, "v1", OLD, CAUSE, restore=True)
    moved = versions(lost)
    lost.go_well(40)
    assert lost.status.phase in ({Phase.SUCCEEDED, Phase.FAILED} if promoted else {Phase.ROLLED_BACK})
    assert (serving(lost), lost.service.canary, versions(lost), lost.states.live) == (before, None, moved, "v1")


def test_live_version_that_fails_is_not_withdrawn(lost):
    """Nor by an order that says so: only the way back from it does that."""
    lost.go_to(Phase.STARTING).go_well(1)
    lost.abort(withdraw=True)
    lost.crash_canary()
    lost.go_well(8)
    assert lost.status.phase in ENDS
    assert lost.states.of("v2") is State.LIVE


class Return(Rollout):
    """The same things happen as to any rollout."""

    @initialize(served=st.sampled_from(["nothing", "v1"]), trouble=st.sampled_from(TROUBLES), looks=st.integers(0, 6))
    def begin(self, served, trouble, looks):
        """``looks`` went well before anything else."""
        self.trouble = trouble
        lose(self, served)
        self.served, self.before = served, versions(self)
        self.go_well(looks)

    def check(self, action):
        assert not isinstance(action, MoveLivePointer | WithdrawVersion)
        if isinstance(action, SetPercent) and action.percent:
            assert self.service.canary.ready

    @invariant()
    def the_stable_stays(self):
        """And so do the registry's versions."""
        assert versions(self) == self.before
        assert serving(self) in {self.served, "v2"}

    @invariant()
    def an_end_is_what_it_says(self):
        if self.service.missing or not self.status.ended:
            return
        if self.status.phase is not Phase.FAILED:
            assert (serving(self), self.service.canary) == ("v2" if self.status.phase is Phase.SUCCEEDED else self.served, None)


Return.TestCase.settings = Rollout.TestCase.settings
TestReturn = Return.TestCase
