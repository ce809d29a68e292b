"""What may go wrong with a rollout in Standard mode; in each case no call fails that the fault itself does not make fail."""

import json

import pytest

from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.kserve.rollout_faults import RolloutFaults
from tests.doubles.kserve.harness import SERVICE
from tests.doubles.kserve.objects import INFERENCE_SERVICES

pytestmark = pytest.mark.slow

HOLDING = Phase.HOLDING


class TestStandardFaults(RolloutFaults):
    """With the delivered rights."""


def edit(stage, *operations):
    """As kubectl edit does, under another manager's name."""
    patch = ("-n", stage.harness.namespace, "patch", "inferenceservice", SERVICE, "--type=json")
    stage.harness.kubernetes.kubectl(*patch, "-p", json.dumps(operations))


def rolled_back(stage, words):
    ended = stage.run()
    assert ended.phase is Phase.ROLLED_BACK, ended.reason
    assert words in ended.reason
    seen = stage.target.observe()
    assert (seen.stable.version, seen.canary) == ("v1", None)


def test_service_deleted_in_the_middle_fails_the_rollout(stage):
    """There is nothing to go back to, and nothing is made anew."""
    stage.ask_for("v2").until_phase(HOLDING, 10)
    stage.calls_may_fail = True
    stage.harness.api.delete(INFERENCE_SERVICES, SERVICE)
    ended = stage.run()
    assert ended.phase is Phase.FAILED, ended.reason
    assert "was deleted" in ended.reason
    assert stage.harness.api.get(INFERENCE_SERVICES, SERVICE) is None


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("/spec/canary/0/trafficPercent", 70, "canary was changed by"),
        ("/spec/canary/0/trafficPercent", 0, "canary was changed by"),
        ("/spec/predictor/minReplicas", 9, "minReplicas was changed by"),
        ("/spec/canary/0/predictor/model/runtime", "another", "differ in runtime"),
    ],
)
def test_edit_by_hand_in_the_middle_ends_it(stage, path, value, words):
    """The reason names the field and who wrote it."""
    stage.ask_for("v2").until_phase(HOLDING, 10)
    edit(stage, {"op": "replace", "path": path, "value": value})
    rolled_back(stage, words)


def test_stopped_service_ends_it(stage):
    """KServe has deleted everything; no canary is left for when the service is resumed."""
    stage.ask_for("v2").until_phase(HOLDING, 10)
    stage.calls_may_fail = True
    annotate = ("-n", stage.harness.namespace, "annotate", "inferenceservice", SERVICE)
    stage.harness.kubernetes.kubectl(*annotate, "serving.kserve.io/stop=true")
    try:
        assert "stopped" in " ".join(stage.target.observe().drift)
        ended = stage.run()
        assert (ended.phase, ended.blamed) == (Phase.ROLLED_BACK, False)
        assert "stopped" in ended.reason
        assert "canary" not in stage.harness.service()["spec"]
    finally:
        stage.harness.kubernetes.kubectl(*annotate, "serving.kserve.io/stop-")


@pytest.mark.parametrize(("fault", "words"), [("never-ready", "not ready within"), ("image-missing", "ImagePullBackOff")])
def test_canary_that_is_never_ready_ends_it(stage, fault, words):
    """It gets no traffic, and the reason is its pods'."""
    stage.harness.kserve.kubelet.faults[stage.harness.models["v2"].uri] = fault
    stage.ask_for("v2", ready_seconds=2)
    rolled_back(stage, words)
    assert stage.callers.versions()["v2"] == 0


def test_canary_that_crashes_again_and_again_is_withdrawn(stage):
    """At its first crash; calls fail only until its share is gone."""
    stage.ask_for("v2").until_phase(HOLDING, 50)
    stage.harness.kserve.kubelet.faults[stage.harness.models["v2"].uri] = "crash-loop"
    ended = stage.run()
    assert (ended.phase, ended.blamed) == (Phase.ROLLED_BACK, True)
    assert "CrashLoopBackOff" in ended.reason
    stage.forget_failures()
