"""What may go wrong with a rollout, one thing at a time: how it ends, and that it says why."""

from datetime import timedelta

import pytest

from clinical_ner.rollout.explanation import explain
from clinical_ner.rollout.machine.actions import AbortCanary, SetPercent, StartCanary
from clinical_ner.rollout.plan import RESTORE_PLAN, RolloutPlan, RolloutStep
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.stage import HOLD, INCONCLUSIVE, NEW, OLD, READY, REQUESTS, RULES, STEPS, Stage

HOLDING = Phase.HOLDING


@pytest.fixture
def stage():
    return Stage().set_out()


def back(stage, words, *, state=State.APPROVED):
    """The stage after everything went back, for a reason with these words; v2 is then in ``state``."""
    stage.go_well(8)
    assert stage.status.phase is Phase.ROLLED_BACK, stage.status.reason
    assert words in stage.status.reason
    assert words in explain(stage.spec, stage.status)
    assert (stage.service.stable.version, stage.service.canary, stage.states.live) == ("v1", None, "v1")
    assert stage.states.of("v2") is state


@pytest.mark.parametrize("percent", [5, 50, 100])
def test_canary_that_restarts_is_withdrawn_at_once(stage, percent):
    """One look after a crash its traffic is asked back."""
    stage.go_to(HOLDING, percent).crash_canary()
    assert AbortCanary() in stage.look()
    back(stage, "restarted", state=State.ROLLED_BACK)


def test_canary_that_restarted_unseen_is_withdrawn(stage):
    """The target did not see it, but counters that began anew tell."""
    stage.go_to(HOLDING, 50).source.servers["v2"].restart()
    back(stage, "counters began anew", state=State.ROLLED_BACK)


def test_canary_that_is_not_ready_any_more_is_withdrawn_at_once(stage):
    """Its requests have nobody else to go to."""
    stage.go_to(HOLDING, 50).change_canary(ready=False, reason="out of memory")
    assert AbortCanary() in stage.look()
    back(stage, "no longer ready: out of memory", state=State.ROLLED_BACK)


def test_canary_that_crashes_while_loading_ends_it(stage):
    """A crash loop is not waited out."""
    stage.go_to(Phase.STARTING).crash_canary()
    back(stage, "restarted", state=State.ROLLED_BACK)


def test_canary_that_is_never_ready_ends_it_without_blame(stage):
    """An image that is missing is no fault of the model's, which may be tried again."""
    stage.go_to(Phase.STARTING).change_canary(ready=False, reason="image cannot be pulled")
    for _ in range(int(READY / 30) + 1):
        assert stage.service.carried == 0
        stage.look()
        stage.pass_time(30)
    back(stage, "not ready within 120 seconds: image cannot be pulled")


def test_worse_canary_is_withdrawn(stage):
    """The reason names the check and its numbers."""
    stage.go_to(HOLDING, 5).traffic(300, 290)
    back(stage, "worse than the stable version at 5 %: errors", state=State.ROLLED_BACK)


def test_no_traffic_holds_and_goes_back_at_the_limit(stage):
    """Without requests there is no verdict, and nobody is to blame."""
    while stage.status.phase is not HOLDING:
        stage.look()
        stage.service.settle()
    for _ in range(int((HOLD + INCONCLUSIVE) / 30)):
        stage.pass_time(30)
        stage.look()
        assert stage.status.phase is HOLDING
        assert "no request has reached the canary" in stage.status.waits_for
    stage.pass_time(30)
    stage.look()
    back(stage, "no verdict at 5 % within 345 seconds: traffic")


def test_missing_metrics_hold_and_go_back_at_the_limit(stage):
    """What cannot be read is inconclusive, whatever was read before."""
    stage.go_to(HOLDING, 50)
    stage.source.failing = True
    for _ in range(13):
        stage.traffic(100)
        stage.pass_time(30)
        stage.look()
        assert stage.service.carried <= 50
    back(stage, "no verdict at 50 % within 345 seconds: metrics")


def test_missing_metrics_of_the_canary_alone_hold(stage):
    """The stable's numbers alone compare with nothing."""
    stage.go_to(HOLDING, 5)
    del stage.source.servers["v2"]
    for _ in range(6):
        stage.source.servers["v1"].answer(100)
        stage.pass_time(30)
        stage.look()
    assert (stage.status.phase, stage.service.carried) == (HOLDING, 5)
    assert "no request has reached the canary" in stage.status.waits_for


def test_metrics_that_come_back_lose_nothing(stage):
    """Counters are cumulative: what was counted meanwhile counts."""
    stage.go_to(HOLDING, 5)
    stage.source.failing = True
    stage.traffic(1000)
    stage.look()
    stage.source.failing = False
    stage.look()
    assert stage.status.hold.canary.sample.counts.requests >= 1000


def test_stable_that_restarts_makes_the_hold_begin_again(stage):
    """What was held before is thrown away, and the step takes its whole time."""
    stage.go_to(HOLDING, 5).go_well(5)
    assert stage.status.hold.held_seconds > 0
    stage.restart_stable()
    stage.look()
    assert (stage.status.hold.held_seconds, stage.status.hold.restarts) == (0, 1)
    assert stage.status.hold.canary.sample.counts.requests == 0
    stage.go_to(Phase.SUCCEEDED)


def test_stable_that_is_down_stops_every_move(stage):
    """No weight is moved while the stable cannot take any."""
    stage.go_to(HOLDING, 5)
    stage.change_stable(ready=False)
    for _ in range(10):
        assert not stage.look()
        stage.traffic(100)
        stage.pass_time(20)
    assert stage.service.carried == 5


def test_lost_weight_is_not_asked_for_again_while_the_stable_is_down(stage):
    """A kill between writing and asking leaves a weight to ask for; the stable must be there for it."""
    while stage.status.phase is not Phase.SHIFTING:
        stage.look(done=9 if stage.status.phase is not Phase.STARTING else 0)
        stage.service.settle()
    stage.change_stable(ready=False)
    assert not stage.look()
    stage.change_stable(ready=True)
    assert stage.look() == (SetPercent(5),)


def test_rollback_waits_for_a_stable_that_is_down(stage):
    """As long as only the canary answers it keeps the traffic, and it is told what is waited for."""
    stage.go_to(HOLDING, 50)
    stage.change_stable(ready=False)
    stage.abort()
    for _ in range(3):
        assert AbortCanary() not in stage.look()
    assert "the stable version to be ready" in stage.status.waits_for
    stage.change_stable(ready=True)
    back(stage, "doctor ended it: stop")


def test_deleted_service_ends_it(stage):
    """There is nothing to go back to; a person must look."""
    stage.go_to(HOLDING, 50).service.missing = True
    assert not stage.look()
    assert stage.status.phase is Phase.FAILED
    assert "the service is gone" in stage.status.reason


def test_edited_service_ends_it(stage):
    """What the target calls drift is told, and the way back taken."""
    stage.go_to(HOLDING, 50).service.drift = ("spec.predictor.minReplicas is 7",)
    back_reason = "changed by somebody else: spec.predictor.minReplicas is 7"
    stage.look()
    stage.service.drift = ()
    back(stage, back_reason)


def test_edited_split_ends_it(stage):
    """A share that nobody of the rollout asked for is not held."""
    stage.go_to(HOLDING, 5).service.asked = 60
    stage.look()
    back(stage, "somebody asked for 60 % where the rollout asked for 5 %")


def test_canary_taken_away_ends_it(stage):
    """It is not started again behind somebody's back."""
    stage.go_to(HOLDING, 5)
    stage.service.canary, stage.service.asked, stage.service.carried = None, None, 0
    assert StartCanary not in [type(action) for action in stage.look()]
    back(stage, "the canary is gone")


def test_another_canary_is_left_alone(stage):
    """Two canaries never are; whose was first stays."""
    stage.service.canary, stage.service.asked = Backend("v9", ready=True), 10
    assert not stage.look()
    assert stage.status.phase is Phase.FAILED
    assert stage.service.canary.version == "v9"


def test_version_deleted_from_the_registry_ends_it(stage):
    """Nobody could serve it after the next restart."""
    stage.go_to(HOLDING, 50).digest = ""
    stage.look()
    stage.digest = NEW
    back(stage, "v2 is no longer in the registry")


def test_version_rolled_back_by_others_ends_it(stage):
    """A monitor's roll back in the registry reaches the traffic."""
    from clinical_ner.version_states import Cause, roll_back

    stage.go_to(HOLDING, 50)
    stage.states = roll_back(stage.states, "v2", NEW, Cause("monitor", stage.wall, "reviewed F1 fell"))
    back(stage, "v2 is rolled-back in the registry", state=State.ROLLED_BACK)


@pytest.mark.parametrize("phase", [Phase.STARTING, HOLDING])
def test_other_digest_served_ends_it_at_once(stage, phase):
    """What answers is not what was approved; the version that was is not to blame."""
    stage.go_to(phase).source.servers["v2"].digest = "sha256:" + "9" * 64
    assert AbortCanary() in stage.look() or stage.service.canary is None
    back(stage, "the canary serves sha256:999999999999 as v2")


def test_candidate_waits_until_it_is_approved_in_the_registry(stage):
    """The gate's answer alone is not enough where approval is required."""
    stage.states = stage.states.model_copy(update={"changes": stage.states.changes[:-1]})
    stage.go_well(3)
    assert stage.status.phase is Phase.PENDING
    assert "v2 to be approved in the registry" in stage.status.waits_for
    assert stage.service.canary is None


def test_newer_rollout_waits_for_the_one_ahead(stage):
    """Nothing is touched before the other has ended."""
    stage.ahead = "v1-again"
    stage.go_well(3)
    assert stage.status.waits_for == "rollout v1-again of the same service to end"
    stage.ahead = ""
    stage.go_to(Phase.SUCCEEDED)


def test_superseded_rollout_goes_back_without_blame(stage):
    """The newer one starts from the stable that was."""
    stage.go_to(HOLDING, 50).superseded_by = "v3"
    back(stage, "rollout v3 takes its place")


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


def test_canary_that_fails_while_waiting_for_approval_is_withdrawn(stage):
    """A person who has not looked yet keeps nothing broken in service."""
    stage.set_out("before-100").go_to(Phase.WAITING_APPROVAL).traffic(2000, 1900)
    back(stage, "worse than the stable version at 50 %", state=State.ROLLED_BACK)


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


def test_withdrawn_version_gives_way_to_the_one_before():
    """A restore proves readiness and weight, is not judged, and withdraws the bad version when everybody is served."""
    stage = Stage().set_out()
    stage.go_to(Phase.SUCCEEDED)
    stage.service.carried = 0
    again = Stage().set_out(name="v1-restore", version="v1", digest=OLD, purpose="restore", withdraws="v2", plan=RESTORE_PLAN)
    again.service, again.states = stage.service, stage.states
    again.facts = lambda: _facts_of_v1(again)
    for _ in range(12):
        again.look()
        again.service.settle()
        again.pass_time(2)
    assert again.status.phase is Phase.SUCCEEDED, again.status.waits_for
    assert (again.states.live, again.service.stable.version) == ("v1", "v1")
    assert again.states.of("v2") is State.ROLLED_BACK


def _facts_of_v1(stage):
    from clinical_ner.rollout.machine.facts import Facts, Standing

    return Facts(target=stage.service.observe(), registry=Standing(stage.states.of("v1"), OLD, stage.states.live))


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


def test_ready_canary_gets_nothing_while_the_stable_is_down(stage):
    """Its first share is asked for when both can carry theirs."""
    stage.go_to(Phase.STARTING)
    stage.change_stable(ready=False)
    assert not stage.look()
    assert (stage.status.phase, stage.status.waits_for[:18]) == (Phase.STARTING, "the stable version")
    stage.change_stable(ready=True)
    assert stage.look() == (SetPercent(5),)


def test_promotion_waits_until_100_percent_is_proven_again(stage):
    """A router that wavers at the last moment is waited for, and given up at the limit; the live pointer comes back."""
    stage.go_to(Phase.PROMOTING).look()
    stage.service.carried = 99
    assert stage.states.live == "v2"
    assert not stage.look()
    assert stage.status.waits_for == "the router to send 100 % to v2"
    for _ in range(3):
        stage.pass_time(60)
        stage.look()
    back(stage, "it was not promoted within 120 seconds", state=State.RETIRED)


def test_registry_that_refuses_does_not_hold_the_traffic_up(stage):
    """The way back of the traffic comes first; what the registry did not take is told at the end."""
    stage.go_to(HOLDING, 50).abort(withdraw=True)
    known, stage.act = stage.act, lambda action, seen: None if "Version" in type(action).__name__ else known(action, seen)
    for _ in range(8):
        stage.look()
        stage.service.settle()
        stage.pass_time(50)
    assert stage.service.canary is None
    assert stage.status.phase is Phase.FAILED
    assert "the registry did not take the change" in stage.status.reason
