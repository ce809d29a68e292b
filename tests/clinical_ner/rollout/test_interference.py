"""What others do to a rollout: to its service, its canary, its version in the registry, its place in the queue."""

import pytest

from clinical_ner.rollout.explanation import explain
from clinical_ner.rollout.machine.actions import AbortCanary, StartCanary
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.stage import NEW

HOLDING = Phase.HOLDING


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
    stage.check_back(back_reason)


def test_edited_split_ends_it(stage):
    """A share that nobody of the rollout asked for is not held."""
    stage.go_to(HOLDING, 5).service.asked = 60
    stage.look()
    stage.check_back("somebody asked for 60 % where the rollout asked for 5 %")


def test_canary_taken_away_ends_it(stage):
    """It is not started again behind somebody's back."""
    stage.go_to(HOLDING, 5)
    stage.service.canary, stage.service.asked, stage.service.carried = None, None, 0
    assert StartCanary not in [type(action) for action in stage.look()]
    stage.check_back("the canary is gone")


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
    stage.check_back("v2 is no longer in the registry")


def test_version_rolled_back_by_others_ends_it(stage):
    """A monitor's roll back in the registry reaches the traffic."""
    from clinical_ner.version_states import Cause, roll_back

    stage.go_to(HOLDING, 50)
    stage.states = roll_back(stage.states, "v2", NEW, Cause("monitor", stage.wall, "reviewed F1 fell"))
    stage.check_back("v2 is rolled-back in the registry", state=State.ROLLED_BACK)


@pytest.mark.parametrize("phase", [Phase.STARTING, HOLDING])
def test_other_digest_served_ends_it_at_once(stage, phase):
    """What answers is not what was approved; the version that was is not to blame."""
    stage.go_to(phase).source.servers["v2"].digest = "sha256:" + "9" * 64
    assert AbortCanary() in stage.look() or stage.service.canary is None
    stage.check_back("the canary serves sha256:999999999999 as v2")


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
    stage.check_back("rollout v3 takes its place")


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
    assert "is withdrawn" not in explain(stage.spec, stage.status)


def test_canary_that_became_the_stable_on_the_way_back_is_withdrawn_and_stays(stage):
    """As of a first version in Knative mode, or by a hand: the registry is told first, and then who brings the old one back."""
    stage.go_to(HOLDING, 50).abort(withdraw=True)
    stage.look()
    stage.service.stable, stage.service.canary = stage.service.canary, None
    for _ in range(3):
        stage.look()
    assert (stage.status.phase, stage.states.of("v2")) == (Phase.FAILED, State.ROLLED_BACK)
    assert "v2 serves everybody, and `clinical-ner rollout start v1` brings v1 back" in stage.status.reason
    assert "v2 is withdrawn in the registry" in explain(stage.spec, stage.status)
