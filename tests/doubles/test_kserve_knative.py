"""The double shows what was measured on a real KServe controller and Knative's control plane, and what wrong ways cost callers.

Each test has a service of its own: what revisions had traffic before decides where it goes next.
"""

from collections.abc import Iterator

import pytest

from clinical_ner.errors import ConfigError
from tests.doubles.kserve.harness import MODELS, SERVICE, knative_predictor, model_fields
from tests.doubles.kserve.knative_world import KnativeWorld
from tests.doubles.kserve.objects import INFERENCE_SERVICES, KNATIVE_SERVICES, REVISIONS, RUNTIMES, SOURCE_URI
from tests.doubles.kserve.revisions import DEADLINE
from tests.doubles.kserve.timing import Timing

KSERVICE = f"{SERVICE}-predictor"
CHANGES = [
    ("/metadata/annotations/example.org~1note", "1"),
    ("/metadata/labels", {"example.org/note": "1"}),
    ("/spec/predictor/annotations/example.org~1note", "2"),
    ("/spec/predictor/minReplicas", 2),
    ("/spec/predictor/timeout", 61),
    ("/spec/predictor/model/env/-", {"name": "OTHER", "value": "1"}),
]
UNSUPPORTED = {
    "securityContext": {"runAsUser": 1},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}],
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a"}],
    "affinity": {"nodeAffinity": {}},
}


@pytest.fixture(scope="module")
def running(started) -> Iterator[KnativeWorld]:
    with KnativeWorld(started("kserve"), "double-knative", timing=Timing(scale_to_zero=0.6)) as world:
        yield world


@pytest.fixture
def world(running: KnativeWorld) -> Iterator[KnativeWorld]:
    if running.api.get(INFERENCE_SERVICES, SERVICE) is None:
        running.begin()
    yield running
    running.kserve.kubelet.faults.clear()
    running.end()


def patch(world: KnativeWorld, path: str, value: object) -> None:
    world.api.patch(INFERENCE_SERVICES, SERVICE, [{"op": "add", "path": path, "value": value}])


def test_latest_means_latest_ready(world):
    """Before the canary is ready the status shows the stable twice; Ready is Unknown meanwhile, and nothing has failed."""
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "never-ready"
    world.set("v2", 10)
    world.wait(lambda: world.component("latestCreatedRevision").endswith("00002"))
    world.wait(lambda: world.shares() == [("v1", 10), ("v1", 90)])
    assert (world.condition("Ready"), world.condition("PredictorRouteReady")) == ("Unknown", "True")
    world.kserve.kubelet.faults.clear()
    world.wait(lambda: world.shares() == [("v2", 10), ("v1", 90)])
    assert world.revisions()[world.newest()]["metadata"]["annotations"][SOURCE_URI] == MODELS["v2"].uri


def test_whole_rollout_the_right_way_fails_no_call(world):
    """Start at 0, ready, steps, the field given up; a change of percent alone makes no revision."""
    with world.calls() as traffic:
        world.start("v2", 10)
        pods = [each.name for each in world.pods(world.newest())]
        world.shift("v2", 50)
        world.shift("v2", 100)
        world.promote()
    assert traffic.failures == []
    assert len(world.revisions()) == 2
    assert [each.name for each in world.pods(world.newest())] == pods
    assert world.component("previousRolledoutRevision").endswith("00001")


def test_everything_but_the_percent_makes_a_revision(world):
    """Metadata of the service or the predictor, numbers, environment: in the middle of a rollout it replaces the canary."""
    world.start("v2", 10)
    for number, (path, value) in enumerate(CHANGES, 3):
        patch(world, path, value)
        world.wait(lambda number=number: world.newest() == f"{KSERVICE}-{number:05}", path)
    world.wait(lambda: world.settled("v2", 10))


def test_edit_of_the_runtime_makes_a_revision(world):
    """Of whichever model was asked for last."""
    world.api.patch(RUNTIMES, SERVICE, [{"op": "replace", "path": "/spec/containers/0/image", "value": "clinical-ner/other:1"}])
    world.wait(lambda: len(world.revisions()) == 2)


def test_rejected_canary_returns_when_the_next_one_starts_above_0(world):
    """kserve#2130: latest ready is still the rejected one, and the new one's share is its while the new one loads."""
    world.start("v2", 10)
    world.shift("v2", 0)
    world.kserve.kubelet.faults[MODELS["v3"].uri] = "never-ready"
    world.set("v3", 10)
    world.wait(lambda: world.shares() == [("v2", 10), ("v1", 90)])


def test_roll_back_of_a_canary_by_the_old_model_at_0_fails_no_call(world):
    """Old URI, old environment and 0 in one update; the field is given up when that revision is ready."""
    world.start("v2", 50)
    with world.calls() as traffic:
        world.start("v1")
        world.promote("v1")
        world.let_pass(0.3)
    assert traffic.failures == []
    assert world.shares() == [("v1", 100)]


def test_roll_back_of_a_canary_without_the_field_sends_everything_to_it(world):
    """Until the revision of the old model is ready, the latest ready one is the bad one."""
    world.start("v2", 10)
    world.kserve.kubelet.faults[MODELS["v1"].uri] = "never-ready"
    world.set("v1")
    world.wait(lambda: world.shares() == [("v2", 100)])


def test_crash_loop_keeps_its_share_and_shows_nothing(world):
    """Calls fail, the pod tells, the InferenceService does not; 0 % alone changes nothing while it waits for its restart."""
    world.start("v2", 50)
    digests = dict(world.kserve.kubelet.digests)
    world.kserve.kubelet.digests = {**digests, MODELS["v2"].uri: "another"}
    world.kserve.kubelet.crash(world.canary_processes()[0].name)
    with world.calls() as traffic:
        world.wait(lambda: world.canary_processes()[0].restarts)
        world.set("v2", 0)
        world.let_pass()
        assert world.shares() == [("v2", 50), ("v1", 50)]
        assert world.condition("PredictorReady") != "False"
    assert traffic.failures
    world.kserve.kubelet.digests = digests
    world.wait(lambda: world.shares() == [("v2", 0), ("v1", 100)])


def test_crash_loop_ends_by_the_old_model_at_0(world):
    """Its revision becomes the latest that is ready, so no target of the route is broken any more."""
    world.start("v2", 50)
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "crash-loop"
    world.start("v1")
    world.wait(lambda: world.kserve.gateway.weights(1e12)[world.newest()] == 0)
    with world.calls() as traffic:
        world.let_pass()
    assert traffic.failures == []


def test_percent_0_after_the_promotion_goes_to_the_one_before(world):
    """At once, as long as its pods live: they fall to one at once, and to none after a while."""
    world.start("v2")
    world.promote()
    world.set("v2", 0)
    world.wait(lambda: world.shares() == [("v2", 0), ("v1", 100)])
    world.promote()
    world.wait(lambda: not world.pods(f"{KSERVICE}-00001"))
    world.kserve.kubelet.faults[MODELS["v1"].uri] = "never-ready"
    with world.calls() as traffic:
        world.set("v2", 0)
        world.wait(lambda: world.shares() == [("v2", 0), ("v1", 100)])
        world.let_pass()
    assert traffic.failures


def test_percent_without_a_new_model_drops_the_rest_on_the_old_version(world):
    """After a promotion: the revision before the present one gets 90 % of the calls."""
    world.start("v2")
    world.promote()
    world.set("v2", 10)
    world.wait(lambda: world.shares() == [("v2", 10), ("v1", 90)])


@pytest.mark.parametrize("way", ["stopped", "deleted"])
def test_new_knative_service_in_the_middle_promotes_the_canary(world, way):
    """Stopped and resumed, or deleted: the status still says 10/90, and both are the canary now."""
    world.start("v2", 10)
    if way == "stopped":
        patch(world, "/metadata/annotations/serving.kserve.io~1stop", "true")
        world.wait(lambda: not world.revisions())
        patch(world, "/metadata/annotations/serving.kserve.io~1stop", "false")
    else:
        world.api.delete(KNATIVE_SERVICES, KSERVICE)
    world.wait(lambda: world.shares() == [("v2", 10), ("v2", 90)])


def test_canary_that_cannot_start_fails_after_its_deadline(world):
    """The overlay's progress deadline says when; its pod tells at once."""
    fields = knative_predictor(MODELS["v2"], 0)
    fields["model"]["env"] = model_fields(MODELS["v3"])["env"]
    world.own({"predictor": fields})
    world.wait(lambda: world.condition("PredictorConfigurationReady") == "Unknown")
    world.wait(lambda: any(each.restarts for each in world.canary_processes()))
    world.wait(lambda: world.condition("PredictorReady") == "False")
    assert world.revisions()[world.newest()]["metadata"]["annotations"][DEADLINE] == "120s"
    assert world.shares() == [("v1", 0), ("v1", 100)]


def test_unsupported_field_shows_in_the_status_alone(world):
    """KServe's webhook lets it pass; nothing is made of it."""
    for field, value in UNSUPPORTED.items():
        patch(world, f"/spec/predictor/{field}", value)
        world.wait(lambda field=field: f"ReconcileFailed: {field}" in world.trouble(), field)
        world.api.patch(INFERENCE_SERVICES, SERVICE, [{"op": "remove", "path": f"/spec/predictor/{field}"}])
        world.wait(lambda: world.condition("PredictorReady") == "True")
    assert len(world.revisions()) == 1


def test_second_port_shows_in_the_status_alone(world):
    """A revision has one."""
    port = {"name": "grpc", "containerPort": 8081, "protocol": "TCP"}
    world.api.patch(RUNTIMES, SERVICE, [{"op": "add", "path": "/spec/containers/0/ports/-", "value": port}])
    world.wait(lambda: world.trouble() == "ReconcileFailed: containers.ports")


def test_webhook_refuses_a_canary_list(world):
    """The split of Standard mode is none here."""
    canary = {"trafficPercent": 0, "predictor": {"name": "v2", **knative_predictor(MODELS["v2"])}}
    with pytest.raises(ConfigError, match="Knative"):
        world.own({"predictor": knative_predictor(MODELS["v1"]), "canary": [canary]})


def test_generation_in_the_status_is_the_knative_services(world):
    """It does not tell whether the InferenceService was observed."""
    world.start("v2", 10)
    generation = world.api.get(KNATIVE_SERVICES, KSERVICE)["metadata"]["generation"]
    world.wait(lambda: world.service()["status"]["observedGeneration"] == generation)


def test_everything_goes_with_the_service(world):
    """Revisions and pods of a deleted InferenceService are deleted, as by Kubernetes' garbage collector."""
    world.api.delete(INFERENCE_SERVICES, SERVICE)
    world.wait(lambda: not world.api.list(REVISIONS, {}) and not world.processes({}))
