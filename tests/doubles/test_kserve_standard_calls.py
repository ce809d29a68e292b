"""What each way to roll out costs callers in Standard mode, as it was measured: the right ones nothing, the others some calls.

A target that takes a wrong way fails the conformance suite by these failures.
"""

from collections.abc import Iterator

import pytest

from tests.doubles.kserve.harness import MODELS, SERVICE
from tests.doubles.kserve.objects import INFERENCE_SERVICES, RUNTIMES
from tests.doubles.kserve.standard_world import StandardWorld, predictor, workload
from tests.doubles.kserve.timing import Timing

MAX_UNAVAILABLE = "/spec/predictor/deploymentStrategy/rollingUpdate/maxUnavailable"


@pytest.fixture(scope="module")
def running(started) -> Iterator[StandardWorld]:
    with StandardWorld(started("kserve"), "double-standard-calls") as world:
        yield world


@pytest.fixture
def world(running: StandardWorld) -> StandardWorld:
    running.rest()
    return running


def promote(world: StandardWorld, **fields: object) -> None:
    world.own({"predictor": predictor("v2", **fields)})


def test_shares_are_what_the_routes_say(world):
    """Calls are divided by the weights of ready versions."""
    world.start(50)
    with world.calls() as traffic:
        world.let_pass(1)
    assert 0.3 < traffic.versions()["v2"] / traffic.versions().total() < 0.7
    assert traffic.failures == []


def test_weights_reach_the_gateway_later_than_the_routes(world, monkeypatch):
    """Who goes on as soon as the routes have them goes on too early."""
    world.start(50)
    world.wait(lambda: world.kserve.gateway.settled)
    monkeypatch.setattr(world.kserve.gateway, "timing", Timing(propagation=3600))
    with world.calls() as traffic:
        world.split(0)
        world.wait(lambda: world.weights() == [{"v1": 100, "v2": 0}] * 2)
        world.own({"predictor": predictor("v1")})
        world.wait(lambda: traffic.failures)


def test_whole_rollout_the_right_way_fails_no_call(world):
    """Start at 0 with twice the pods, step by step, all in one update at 100 %: the pods of the canary are the stable's.

    Only the service's name within the cluster is another now: clients use the gateway's.
    """
    with world.calls() as traffic:
        world.start()
        for percent in (10, 50, 100):
            world.split(percent)
            world.wait(lambda percent=percent: world.share("v2") == percent)
        pods = world.pod_names("v2")
        promote(world)
        world.wait(lambda: world.pods() == {"v2": 2} and world.share("v2") == 1)
    assert world.pod_names("v2") == pods
    assert traffic.failures == []
    world.wait(lambda: workload("v2") in world.status()["address"]["url"])


def test_promotion_with_a_difference_rolls_the_pods(world):
    """One annotation more than the canary's is enough."""
    world.start(100)
    pods = world.pod_names("v2")
    promote(world, annotations={"example.org/note": "1"})
    world.wait(lambda: world.pods() == {"v2": 2} and not pods & world.pod_names("v2"))


def test_promotion_at_50_percent_fails_calls(world):
    """The old version is gone before the gateway knows."""
    world.start(50)
    with world.calls() as traffic:
        promote(world)
        world.wait(lambda: world.pods() == {"v2": 2} and world.share("v2") == 1)
    assert traffic.failures


def test_promotion_in_two_updates_fails_calls(world):
    """Without its entry the canary is gone at once, with all that it carried."""
    world.start(100)
    with world.calls() as traffic:
        world.own({"predictor": predictor("v1", 4)})
        world.let_pass(0.2)
        promote(world)
        world.wait(lambda: world.pods() == {"v2": 2} and world.share("v2") == 1)
    assert traffic.failures


def test_promotion_of_a_canary_that_is_not_ready_fails_calls(world):
    """The stable is gone and the routes freeze, since the new one is degraded."""
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "never-ready"
    world.split(100)
    world.wait(lambda: world.pod_names("v2"))
    with world.calls() as traffic:
        promote(world)
        world.let_pass()
        world.kserve.kubelet.faults.clear()
        world.wait(lambda: world.pods() == {"v2": 2} and world.share("v2") == 1)
    assert len(traffic.failures) > 50


def test_abort_by_0_percent_first_fails_no_call(world):
    """Then the entry is dropped, when the gateway has followed."""
    world.start(50)
    with world.calls() as traffic:
        world.split(0)
        world.wait(lambda: world.share("v2") == 0)
        world.own({"predictor": predictor("v1")})
        world.wait(lambda: world.pods() == {"v1": 2} and world.share("v2") is None)
    assert traffic.failures == []


def test_entry_dropped_at_50_percent_fails_calls(world):
    """Deployment and Service are gone at once."""
    world.start(50)
    with world.calls() as traffic:
        world.own({"predictor": predictor("v1")})
        world.wait(lambda: world.pods() == {"v1": 2} and world.share("v2") is None)
    assert traffic.failures


def test_renaming_the_predictor_fails_calls(world):
    """The old one is gone before the new one is ready; renaming back after a promotion is the same."""
    with world.calls() as traffic:
        promote(world)
        world.wait(lambda: world.pods() == {"v2": 2} and world.share("v2") == 1)
    assert len(traffic.failures) > 20


def test_new_uri_under_the_same_name_rolls_and_fails_no_call(world):
    """Outside Knative ``canaryTrafficPercent`` is ignored: the new model gets everything by a plain rolling update."""
    fields = predictor("v2", name="v1", canaryTrafficPercent=1)
    with world.calls() as traffic:
        world.own({"predictor": fields})
        world.wait(lambda: {each.version for each in world.processes({})} == {"v2"} and world.pods() == {"v1": 2})
        world.let_pass(0.3)
    assert traffic.failures == []
    assert traffic.versions()["v2"]


@pytest.mark.parametrize(("away", "frozen"), [("25%", True), (1, False)], ids=["default", "one may be away"])
def test_route_freezes_while_the_stable_is_degraded(world, away, frozen):
    """At the default strategy one of two pods away is enough; with ``maxUnavailable: 1`` the weights move at once."""
    world.api.patch(INFERENCE_SERVICES, SERVICE, [{"op": "replace", "path": MAX_UNAVAILABLE, "value": away}])
    try:
        world.start(50)
        world.kserve.kubelet.faults[MODELS["v1"].uri] = "never-ready"
        world.kserve.kubelet.crash(min(world.pod_names("v1")))
        world.wait(lambda: world.deployment("v1")["status"].get("availableReplicas") == 1)
        world.split(0)
        world.let_pass(0.5)
        assert world.weights()[0]["v2"] == (50 if frozen else 0)
        world.kserve.kubelet.faults.clear()
        world.wait(lambda: world.weights()[0]["v2"] == 0)
    finally:
        world.api.patch(INFERENCE_SERVICES, SERVICE, [{"op": "replace", "path": MAX_UNAVAILABLE, "value": 1}])


def test_crash_loop_gets_its_share_again_at_each_restart(world):
    """Calls fail each time, and stable pods are killed and created in between: the rollout must end it."""
    world.start(20)
    stable = world.pod_names("v1")
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "crash-loop"
    with world.calls() as traffic:
        world.wait(lambda: world.weights()[0]["v2"] == 0)
        world.wait(lambda: len(world.pod_names("v1") - stable) >= 2)
        world.wait(lambda: world.weights()[0]["v2"] == 20)
        world.wait(lambda: world.weights()[0]["v2"] == 0)
    assert traffic.failures


@pytest.mark.parametrize("gently", [True, False], ids=["with preStop", "without"])
def test_pod_that_ends_costs_calls_without_a_pause_before(world, gently):
    """The gateway hears of its end a little later; the runtime's preStop hook covers that."""
    old = world.api.get(RUNTIMES, "clinical-ner")["spec"]["containers"][0]["lifecycle"]
    world.own({"predictor": predictor("v1", 8)})
    if not gently:
        world.api.patch(RUNTIMES, "clinical-ner", [{"op": "remove", "path": "/spec/containers/0/lifecycle"}])
        world.wait(lambda: not any(each.stops_gently for each in world.processes({})))
    world.wait(lambda: world.pods() == {"v1": 8})
    try:
        with world.calls() as traffic:
            world.own({"predictor": predictor("v1", 2)})
            world.wait(lambda: world.pods() == {"v1": 2})
            world.let_pass(0.2)
        assert bool(traffic.failures) is not gently
    finally:
        world.api.patch(RUNTIMES, "clinical-ner", [{"op": "add", "path": "/spec/containers/0/lifecycle", "value": old}])


def test_pod_that_is_asked_for_its_port_alone_gets_calls_before_it_has_loaded(world):
    """KServe's default; the runtime's own readiness probe asks for the model."""
    old = world.api.get(RUNTIMES, "clinical-ner")["spec"]["containers"][0]["readinessProbe"]
    world.api.patch(RUNTIMES, "clinical-ner", [{"op": "remove", "path": "/spec/containers/0/readinessProbe"}])
    try:
        world.wait(lambda: world.pods() == {"v1": 2} and not any(each.probed for each in world.processes({})))
        world.kserve.kubelet.faults[MODELS["v2"].uri] = "never-ready"
        with world.calls() as traffic:
            world.split(50)
            world.wait(lambda: any("connection refused" in each.why for each in traffic.failures))
    finally:
        world.api.patch(RUNTIMES, "clinical-ner", [{"op": "add", "path": "/spec/containers/0/readinessProbe", "value": old}])
