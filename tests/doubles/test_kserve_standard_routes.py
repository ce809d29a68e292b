"""The double writes routes as KServe HEAD was measured to, and as 0.20.0 was seen to."""

from collections.abc import Iterator

import pytest

from tests.doubles.kserve.harness import SERVICE
from tests.doubles.kserve.objects import ROUTES
from tests.doubles.kserve.standard_world import StandardWorld, canary, predictor, workload


@pytest.fixture(scope="module")
def running(started) -> Iterator[StandardWorld]:
    with StandardWorld(started("kserve"), "double-standard-routes") as world:
        yield world


@pytest.fixture
def world(running: StandardWorld) -> Iterator[StandardWorld]:
    running.rest()
    yield running
    running.kserve.routing.as_0_20 = False


def test_edited_weights_are_restored(world):
    """Within seconds, in either route."""
    world.start(10)
    for name in (SERVICE, f"{SERVICE}-predictor"):
        world.api.patch(ROUTES, name, [{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77}])
    world.wait(lambda: world.weights() == [{"v1": 90, "v2": 10}] * 2)


def test_route_of_0_20_is_named_after_the_predictor(world):
    """Later ones name it after the service; whatever route had the other name stays behind with its weights."""
    world.kserve.routing.as_0_20 = True
    world.start(10)
    own = [world.api.get(ROUTES, workload(version)) for version in ("v1", "v2")]
    assert [each["weight"] for each in own[0]["spec"]["rules"][0]["backendRefs"]] == [90, 10]
    assert own[1] is None
    assert world.weights() == [{"v1": 90, "v2": 10}, {"v1": 1}]
    world.kserve.routing.as_0_20 = False
    world.wait(lambda: world.weights() == [{"v1": 90, "v2": 10}] * 2)
    world.split(20)
    world.wait(lambda: world.weights() == [{"v1": 80, "v2": 20}] * 2)
    assert world.api.get(ROUTES, workload("v1"))["spec"] == own[0]["spec"]


def test_backend_that_gets_nothing_stays_in_0_20(world):
    """The canary's, after its entry was dropped at 0 %: it is not found, and the service not Ready until the next change."""
    world.kserve.routing.as_0_20 = True
    world.start(0)
    world.own({"predictor": predictor("v1")})
    world.wait(lambda: world.condition("IngressReady") == "False")
    assert world.weights()[0] == {"v1": 100, "v2": 0}
    assert (world.condition("Ready"), world.condition("PredictorReady")) == ("False", "True")
    (parent,) = world.api.get(ROUTES, SERVICE)["status"]["parents"]
    told = {each["type"]: (each["status"], each["reason"]) for each in parent["conditions"]}
    assert told == {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "BackendNotFound")}
    world.own({"predictor": predictor("v1", 4), "canary": [canary(0, "v3")]})
    world.wait(lambda: world.condition("Ready") == "True")
