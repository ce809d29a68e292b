"""How a rollout goes when nothing is wrong: clocks, approvals, first versions, restores, and what is told of it."""

from datetime import timedelta

import pytest

from clinical_ner.rollout.explanation import explain
from clinical_ner.rollout.machine.actions import SetPercent
from clinical_ner.rollout.plan import RESTORE_PLAN, RolloutPlan, RolloutStep
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.stage import OLD, REQUESTS, RULES, STEPS, Stage

HOLDING = Phase.HOLDING


@pytest.mark.parametrize("hours", [-50, 50])
def test_clock_that_jumps_changes_nothing(stage, hours):
    """Holds and limits are of the monotonic clock."""
    stage.go_to(HOLDING, 5).traffic(500)
    stage.look()
    held = stage.status.hold.held_seconds
    stage.wall += timedelta(hours=hours)
    stage.look()
    assert (stage.status.phase, stage.status.hold.held_seconds) == (HOLDING, held)


def test_absence_does_not_count_as_held(stage):
    """Nobody saw what happened meanwhile."""
    stage.go_to(HOLDING, 5)
    held = stage.status.hold.held_seconds
    stage.pass_time(86400)
    stage.look()
    assert stage.status.hold is None or stage.status.hold.held_seconds <= held + 60


def test_approval_before_100_is_waited_for_and_counts_once(stage):
    """The canary is watched meanwhile; two approvals are one."""
    stage.set_out("before-100").go_to(Phase.WAITING_APPROVAL)
    stage.go_well(50)
    assert (stage.status.phase, stage.service.carried) == (Phase.WAITING_APPROVAL, 50)
    stage.approve("promotion")
    stage.approve("promotion")
    stage.go_to(Phase.SUCCEEDED)


def test_share_that_wavers_while_waiting_for_approval_asks_for_nothing(stage):
    """The step to 100 % is a person's to approve, whatever the router does; what the stable version showed is kept for it."""
    stage.set_out("before-100").go_to(Phase.WAITING_APPROVAL)
    stage.service.wavering = True
    for _ in range(3):
        assert not stage.look()
    assert stage.status.waits_for == "the router to send 50 %, and a person to approve the step to 100 %"
    stage.go_well(30)
    assert (stage.status.phase, stage.service.carried) == (Phase.WAITING_APPROVAL, 50)
    stage.service.wavering = True
    stage.look()
    stage.service.wavering = False
    stage.approve("promotion")
    assert stage.look() == (SetPercent(100),)
    assert stage.status.reference.counts.requests >= REQUESTS
    stage.go_to(Phase.SUCCEEDED)


def test_canary_that_fails_while_waiting_for_approval_is_withdrawn(stage):
    """A person who has not looked yet keeps nothing broken in service."""
    stage.set_out("before-100").go_to(Phase.WAITING_APPROVAL).traffic(2000, 1900)
    stage.check_back("worse than the stable version at 50 %", state=State.ROLLED_BACK)


def test_plan_of_one_step_asks_before_it_starts(stage):
    """Approval before 100 % comes before the start where nothing lies between."""
    plan = RolloutPlan(steps=(RolloutStep(percent=100, hold_seconds=1, min_requests=9),), approval="before-100", rules=RULES)
    stage.set_out(plan=plan).go_well(5)
    assert (stage.status.phase, stage.service.canary) == (Phase.WAITING_APPROVAL, None)


def test_first_version_is_held_and_promoted(stage):
    """Without a stable only errors can be judged, and all traffic is there from the start."""
    stage.service.stable, stage.states = None, stage.states.model_copy(update={"changes": stage.states.changes[-1:]})
    for _ in range(40):
        stage.go_well(1)
        if stage.service.canary and stage.service.canary.ready:
            stage.source.servers["v2"].answer(100)
            stage.service.carried = 100
    assert (stage.status.phase, stage.states.live) == (Phase.SUCCEEDED, "v2")


@pytest.mark.parametrize("purpose", ["release", "restore"])
def test_first_version_that_is_promoted_late_stays_and_is_tried_again(stage, purpose):
    """There is nothing to go back to: callers keep what they have, and the next rollout goes on from there."""
    stage.service.stable, stage.states = None, stage.states.model_copy(update={"changes": stage.states.changes[-1:]})
    promote, stage.service.promote = stage.service.promote, lambda seen: None
    for _ in range(60):
        stage.go_well(1)
        if stage.service.canary and stage.service.canary.ready:
            stage.service.carried = 100
    assert (stage.status.phase, stage.states.live, stage.service.canary.version) == (Phase.FAILED, "v2", "v2")
    assert "`clinical-ner rollout start v2` tries again" in stage.status.reason
    stage.status, stage.service.promote = RolloutStatus(), promote
    if purpose == "restore":
        stage.set_out(purpose=purpose, plan=RESTORE_PLAN)
    else:
        stage.states = stage.states.model_copy(update={"changes": stage.states.changes[:1]})  # the pointer never moved
    stage.go_well(40)
    assert (stage.status.phase, stage.states.live, stage.service.stable.version) == (Phase.SUCCEEDED, "v2", "v2")
    assert stage.service.canaries_started == 1


def test_withdrawn_version_gives_way_to_the_one_before():
    """A restore proves readiness and weight, is not judged, and withdraws the bad version when everybody is served."""
    again = _set_out_back()
    for _ in range(12):
        again.look()
        again.service.settle()
        again.pass_time(2)
    assert again.status.phase is Phase.SUCCEEDED, again.status.waits_for
    assert (again.states.live, again.service.stable.version) == ("v1", "v1")
    assert again.states.of("v2") is State.ROLLED_BACK


def test_version_that_was_never_live_is_not_brought_back():
    """A restore is neither judged nor approved: it brings nothing new, whoever wrote it down."""
    stage = Stage().set_out(purpose="restore", plan=RESTORE_PLAN)
    stage.go_well(2)
    assert (stage.status.phase, stage.service.canaries_started) == (Phase.ROLLED_BACK, 0)
    assert "only one that was live is brought back" in stage.status.reason


@pytest.mark.parametrize("some_ready", [True, False])
def test_version_that_crashes_is_left_all_the_same(some_ready):
    """Its restarts and lost processes are why the one before comes back, and nothing that this waits for."""
    again = _set_out_back()
    again.service.withdrawn = "v2"
    for restarts in range(12):
        if again.service.stable.version == "v2":
            again.change_stable(ready=False, some_ready=some_ready, restarts=restarts)
        again.look()
        again.service.settle()
        again.pass_time(2)
    assert again.status.phase is Phase.SUCCEEDED, again.status.waits_for
    assert (again.states.live, again.service.stable.version) == ("v1", "v1")


@pytest.mark.parametrize(("ready", "phase"), [(True, Phase.ROLLED_BACK), (False, Phase.SHIFTING)])
def test_way_back_from_a_version_that_is_down_is_not_given_up(ready, phase):
    """A router that does not move in time is waited for when there is nothing sound to go back to."""
    again = _set_out_back()
    again.service.withdrawn = "v2"
    again.change_stable(ready=ready)
    for _ in range(30):
        again.look()
        if again.status.phase is not Phase.SHIFTING:
            again.service.settle()
        again.pass_time(50)
    assert again.status.phase is phase
    assert again.status.waits_for == ("" if ready else "the router to send 100 % to v1")


def _set_out_back():
    """v2 is live, and v1 to come back in its place."""
    stage = Stage().set_out()
    stage.go_to(Phase.SUCCEEDED)
    stage.service.carried = 0
    again = Stage().set_out(name="v1-restore", version="v1", digest=OLD, purpose="restore", withdraws="v2", plan=RESTORE_PLAN)
    again.service, again.states = stage.service, stage.states
    again.facts = lambda: _facts_of_v1(again)
    return again


def _facts_of_v1(stage):
    from clinical_ner.rollout.machine.facts import Facts

    return Facts(target=stage.service.observe(), registry=stage.standing("v1", OLD))


def test_steps_are_recorded_with_their_evidence(stage):
    """Who asks later is told what each step was judged on."""
    stage.go_to(Phase.SUCCEEDED)
    assert [record.percent for record in stage.status.steps] == [step.percent for step in STEPS]
    assert all(record.requests >= REQUESTS for record in stage.status.steps)
    text = explain(stage.spec, stage.status)
    assert text.startswith("Rollout v2 of clinical-ner v2 succeeded: v2 serves everybody and is live.")
    assert "50 % was held" in text


def test_explanation_names_what_is_waited_for(stage):
    """In the middle of a hold: share, time and requests so far, and what is missing."""
    stage.go_to(HOLDING, 5).go_well(3)
    text = explain(stage.spec, stage.status)
    assert "v2 carries 5 % of the traffic, v1 the rest." in text
    assert "So far" in text
    assert "It waits for" in text
    assert "only collapse is looked for" in text
