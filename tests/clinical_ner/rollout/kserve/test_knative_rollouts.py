"""Whole rollouts of the real state machine over the target of Knative mode, under simulated calls of which none may fail."""

import json

import pytest

from clinical_ner.clock import utc_now
from clinical_ner.rollout.kserve.knative_reading import REVISIONS
from clinical_ner.rollout.specs import make_restore
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.kserve.knative_stage import KnativeModels, KnativeStage
from tests.doubles.kserve.harness import MODEL, SERVICE
from tests.doubles.kserve.objects import INFERENCE_SERVICES, KNATIVE_SERVICES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mode():
    return KnativeModels, KnativeStage


def rolled_back(stage, words):
    ended = stage.run()
    assert ended.phase is Phase.ROLLED_BACK, ended.reason
    assert words in ended.reason
    seen = stage.target.observe()
    assert (seen.stable.version, seen.canary, seen.asked) == ("v1", None, None)
    return ended


def test_version_goes_live_and_comes_back(stage):
    """v2 is promoted, and v1 brought back after it, by one revision each: no call fails, and the registry says the same."""
    before = stage.revisions()
    released = stage.ask_for("v2").run()
    assert released.phase is Phase.SUCCEEDED, released.reason
    assert [step.percent for step in released.steps] == [10, 50, 100]
    assert stage.registry.champion(MODEL).version == "v2"
    assert len(stage.revisions()) == len(before) + 1
    stage.create_restore(make_restore)
    restored = stage.run()
    assert restored.phase is Phase.SUCCEEDED, restored.reason
    assert stage.target.observe().stable.version == "v1"
    assert stage.registry.get(MODEL, "v2").state is State.ROLLED_BACK
    assert len(stage.revisions()) == len(before) + 2


def test_worse_version_is_rolled_back_and_the_next_begins_at_0(stage):
    """v2 answers with errors and is withdrawn; neither it nor its share is left for v3 (kserve#2130)."""
    stage.failing.add("v2")
    ended = stage.ask_for("v2").run()
    assert (ended.phase, ended.blamed) == (Phase.ROLLED_BACK, True)
    assert "errors" in ended.reason
    assert stage.registry.get(MODEL, "v2").state is State.ROLLED_BACK
    answered = stage.callers.versions()["v2"]
    ended = stage.ask_for("v3").run()
    assert ended.phase is Phase.SUCCEEDED, ended.reason
    assert stage.callers.versions()["v2"] == answered


@pytest.mark.parametrize("percent", [10, 100])
def test_order_ends_it(stage, percent):
    """Also at 100 %, which KServe takes for the end of a rollout: the version before serves everybody again."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, percent)
    stage.records.abort("v2", Abort(actor="test", time=utc_now(), reason="enough"))
    rolled_back(stage, "enough")


def test_canary_that_crashes_again_and_again_is_withdrawn(stage):
    """Nothing but its pods shows it; calls fail only until its share is gone."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 50)
    stage.harness.kserve.kubelet.faults[stage.harness.models["v2"].uri] = "crash-loop"
    assert rolled_back(stage, "exit code 1").blamed
    stage.forget_failures()


@pytest.mark.parametrize(("fault", "words"), [("never-ready", "not ready within"), ("image-missing", "ImagePullBackOff")])
def test_canary_that_is_never_ready_ends_it(stage, fault, words):
    """It gets no traffic, and the reason is its pods'."""
    stage.harness.kserve.kubelet.faults[stage.harness.models["v2"].uri] = fault
    stage.ask_for("v2", ready_seconds=2)
    rolled_back(stage, words)
    assert stage.callers.versions()["v2"] == 0


def test_edit_in_the_middle_ends_it(stage):
    """Whatever makes a new revision replaces the canary, and a revision that nobody has watched is not promoted."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
    patch = '{"spec": {"predictor": {"timeout": 61}}}'
    stage.harness.kubernetes.kubectl("-n", stage.harness.namespace, "patch", "isvc", SERVICE, "--type=merge", "-p", patch)
    ended = rolled_back(stage, "its template")
    assert not ended.blamed


@pytest.mark.parametrize("percent", [70, 0])
def test_share_changed_by_hand_ends_it(stage, percent):
    """What the rollout did not ask for is not held; a share that somebody else owns goes with the rest."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
    patch = json.dumps({"spec": {"predictor": {"canaryTrafficPercent": percent}}})
    stage.harness.kubernetes.kubectl("-n", stage.harness.namespace, "patch", "isvc", SERVICE, "--type=merge", "-p", patch)
    rolled_back(stage, f"somebody asked for {percent} %")


def test_knative_service_deleted_in_the_middle_is_no_promotion(stage):
    """KServe makes it anew with the canary's model for everybody, and its status goes on to tell of 10 and 90."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
    stage.harness.api.delete(KNATIVE_SERVICES, f"{SERVICE}-predictor")
    ended = stage.run()
    assert (ended.phase, ended.blamed) == (Phase.FAILED, False), ended.reason
    assert stage.harness.service()["spec"]["predictor"]["model"]["storageUri"] == stage.harness.models["v2"].uri
    assert stage.registry.champion(MODEL).version == "v1"
    stage.harness.rest()
    stage.forget_failures()  # those of the time without a service


def test_service_deleted_in_the_middle_fails_the_rollout(stage):
    """There is nothing to go back to, and nothing is made anew."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
    stage.harness.api.delete(INFERENCE_SERVICES, SERVICE)
    ended = stage.run()
    gone = stage.harness.api.get(INFERENCE_SERVICES, SERVICE)
    stage.harness.create_empty()
    stage.harness.rest()
    stage.forget_failures()  # a service that is gone answers nobody
    assert ended.phase is Phase.FAILED, ended.reason
    assert "was deleted" in ended.reason
    assert gone is None


def test_first_version_of_a_service_is_rolled_out(stage):
    """Nothing was served before: it has everything as soon as it is ready, and is on trial until it is promoted."""
    stage.harness.api.delete(INFERENCE_SERVICES, SERVICE)
    stage.harness.wait(lambda: not stage.harness.api.list(REVISIONS), "revisions are left")
    stage.harness.create_empty()
    status = stage.ask_for("v2").until_phase(Phase.HOLDING)
    seen = stage.target.observe()
    assert (seen.stable, seen.canary.version, seen.percent) == (None, "v2", 100)
    assert status.stable_version == ""
    assert stage.run().phase is Phase.SUCCEEDED
    stage.forget_failures()  # those of the time without a version


def test_lost_service_gets_the_live_version_again(stage):
    """Made anew it has no model; nobody is asked, and the registry's versions stay as they are."""
    before = stage.registry.states(MODEL).changes
    stage.harness.api.delete(INFERENCE_SERVICES, SERVICE)
    stage.harness.wait(lambda: not stage.harness.api.list(REVISIONS), "revisions are left")
    stage.harness.create_empty()
    stage.ask_for_live()
    ended = stage.run()
    assert ended.phase is Phase.SUCCEEDED, ended.reason
    assert stage.target.observe().stable.version == "v1"
    assert stage.registry.states(MODEL).changes == before
    stage.forget_failures()  # those of the time without a service
