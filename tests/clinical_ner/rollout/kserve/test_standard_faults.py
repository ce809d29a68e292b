"""What may go wrong with a rollout in Standard mode; in each case no call fails that the fault itself does not make fail."""

import json
import os
import signal
import time
from contextlib import suppress

import pytest

from clinical_ner.errors import TargetChanged, TargetUnreachable
from clinical_ner.rollout.status import Phase
from tests.doubles.kserve.harness import SERVICE
from tests.doubles.kserve.objects import INFERENCE_SERVICES

pytestmark = pytest.mark.slow

HOLDING = Phase.HOLDING


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


def test_api_server_that_stands_still_holds_everything(stage):
    """Nothing is known meanwhile and nothing moves; afterwards the rollout goes on."""
    stage.ask_for("v2").until_phase(HOLDING, 50)
    server = stage.harness.kubernetes._processes[-1].pid
    os.kill(server, signal.SIGSTOP)
    try:
        (stored,) = stage.runner.tick()
        (stored,) = stage.runner.tick()
    finally:
        os.kill(server, signal.SIGCONT)
    assert (stored.status.phase, stored.status.ended) == (HOLDING, False)
    assert "no answer" in " ".join(stored.status.problems)
    assert stage.run().phase is Phase.SUCCEEDED


@pytest.mark.parametrize("code", [0, 403, 409, 429])
def test_refused_requests_are_tried_again(stage, code):
    """All that the controller asks for a while, or (409) all that it writes: it says so, waits, and goes on."""
    stage.ask_for("v2").until_phase(HOLDING, 10)
    with stage.faulty.failing(code, lambda method, _path: code != 409 or method == "PATCH"):
        status = stage.until(lambda status: status.problems or status.ended)
        assert not status.ended, status.reason
    stage.until_phase(HOLDING, 50)


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


def test_second_controller_changes_nothing_by_old_sight(stage):
    """Who looked before another one acted is refused, whatever it wants."""
    stage.ask_for("v2").until_phase(HOLDING, 10)
    other = stage.make_target()
    with suppress(TargetUnreachable):  # whoever has just begun does not know the weights yet
        other.observe()
    time.sleep(other.settle_seconds)
    seen = other.observe()
    stage.until_phase(HOLDING, 50)
    for late in (lambda: other.set_percent(100, seen), lambda: other.promote(seen), lambda: other.abort(seen)):
        with pytest.raises(TargetChanged, match="no longer as it was observed"):
            late()
    assert stage.harness.service()["spec"]["canary"][0]["trafficPercent"] == 50
