"""Whole rollouts of the real state machine over the target of Standard mode, under simulated calls of which none may fail."""

import pytest

from clinical_ner.clock import utc_now
from clinical_ner.rollout.specs import make_restore
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.version_states import Cause, State
from tests.doubles.kserve.harness import MODEL, SERVICE
from tests.doubles.kserve.objects import DEPLOYMENTS, PODS

pytestmark = pytest.mark.slow


def templates(stage):
    """The model's URI and the hash of its template, of each Deployment."""
    return {each["metadata"]["name"]: each["spec"]["template"] for each in stage.harness.api.list(DEPLOYMENTS)}


def pods(stage):
    found = stage.harness.api.list(PODS)
    return {each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]}


def test_version_goes_live_and_comes_back(stage):
    """v2 is promoted with its own pods, and v1 brought back after it: no call fails, and the registry says the same."""
    released = stage.ask_for("v2").run()
    assert released.phase is Phase.SUCCEEDED, released.reason
    assert [step.percent for step in released.steps] == [10, 50, 100]
    assert stage.registry.champion(MODEL).version == "v2"
    restore = make_restore(stage.storage, MODEL, ["v2"], Cause("test", utc_now(), "a complaint"))
    stage.records.create(restore.model_copy(update={"uri": stage.harness.models["v1"].uri}))
    restored = stage.run()
    assert restored.phase is Phase.SUCCEEDED, restored.reason
    assert stage.target.observe().stable.version == "v1"
    assert stage.registry.get(MODEL, "v2").state is State.ROLLED_BACK


def test_rollout_changes_templates_only_where_the_model_changes(stage):
    """From start to promotion each version's Deployment keeps its template, and the new one its pods."""
    before = templates(stage)
    stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
    midway, processes = templates(stage), pods(stage)
    assert {name: midway[name] for name in before} == before
    assert stage.run().phase is Phase.SUCCEEDED
    after = templates(stage)
    name = f"{SERVICE}-v2-predictor"
    assert after == {name: midway[name]}
    assert {each for each in processes if each.startswith(name)} == pods(stage)


def test_worse_version_is_rolled_back(stage):
    """v2 answers with errors; it is withdrawn, and v1 is as it was, with its pods' template."""
    before = templates(stage)
    stage.failing.add("v2")
    ended = stage.ask_for("v2").run()
    assert (ended.phase, ended.blamed) == (Phase.ROLLED_BACK, True)
    assert "errors" in ended.reason
    assert stage.registry.get(MODEL, "v2").state is State.ROLLED_BACK
    assert templates(stage) == before
    assert stage.harness.service()["spec"]["predictor"]["minReplicas"] == stage.harness.replicas


def test_canary_without_room_for_all_its_pods_does_not_get_all(stage):
    """One of two finds a node: half of the calls it may carry; the rollout ends there and blames nobody."""
    stage.harness.kserve.kubelet.rooms[stage.harness.models["v2"].uri] = 1
    ended = stage.ask_for("v2", ready_seconds=4).run()
    stage.harness.kserve.kubelet.rooms.clear()
    assert (ended.phase, ended.blamed) == (Phase.ROLLED_BACK, False)
    assert "100 % was asked for and not seen" in ended.reason
    assert [step.percent for step in ended.steps] == [10, 50]


def test_order_ends_it_and_the_next_begins_at_once(stage):
    """An aborted rollout leaves nothing that the next one, of another version, would meet."""
    stage.ask_for("v2").until_phase(Phase.HOLDING, 50)
    stage.records.abort("v2", Abort(actor="test", time=utc_now(), reason="enough"))
    assert stage.run().phase is Phase.ROLLED_BACK
    ended = stage.ask_for("v3").run()
    assert ended.phase is Phase.SUCCEEDED, ended.reason


def test_new_process_goes_on_with_the_rollout(stage):
    """A target without memory proves the weights again; holds are not begun again, and nothing is taken for a change."""
    stage.ask_for("v2")
    for percent in (10, 50, 100):
        held = stage.until_phase(Phase.HOLDING, percent).hold
        stage.runner.target = stage.make_target()
        (stored,) = stage.runner.tick()
        assert "watched for" in " ".join(stored.status.problems)
        assert (stored.status.phase, stored.status.hold) == (Phase.HOLDING, held)
    ended = stage.run()
    assert ended.phase is Phase.SUCCEEDED, ended.reason
    assert len(ended.events) == len({(each.phase, each.step) for each in ended.events})
