"""The double shows what was measured on a real KServe controller in Standard mode: objects, pods, status."""

from collections.abc import Iterator

import pytest

from clinical_ner.errors import ConfigError
from tests.doubles.kserve.harness import MODELS, SERVICE
from tests.doubles.kserve.objects import DEPLOYMENTS, DIGEST, INFERENCE_SERVICES, PODS, ROUTES, RUNTIMES, SERVICES, SOURCE_URI
from tests.doubles.kserve.pods import NOT_FOUND
from tests.doubles.kserve.refusals import RESOURCES
from tests.doubles.kserve.standard_world import StandardWorld, canary, predictor, workload

EXEMPT = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"
NOTE = "/metadata/annotations/example.org~1note"


@pytest.fixture(scope="module")
def running(started) -> Iterator[StandardWorld]:
    with StandardWorld(started("kserve"), "double-standard") as world:
        yield world


@pytest.fixture
def world(running: StandardWorld) -> StandardWorld:
    running.rest()
    return running


def patch(world: StandardWorld, operation: str, path: str, value: object = None) -> None:
    change = {"op": operation, "path": path} | ({} if operation == "remove" else {"value": value})
    world.api.patch(INFERENCE_SERVICES, SERVICE, [change])


def test_predictor_is_a_deployment_a_service_and_two_routes(world):
    """They are named after service and predictor; the pod says which model it fetched, and whose it is."""
    (pod, _) = world.api.list(PODS, {"serving.kserve.io/inferenceservice": SERVICE, "component": "predictor"})
    assert pod["metadata"]["annotations"][SOURCE_URI] == MODELS["v1"].uri
    assert world.api.get(SERVICES, workload("v1"))["spec"]["selector"] == {"app": f"isvc.{workload('v1')}"}
    assert world.deployment("v1")["status"]["availableReplicas"] == 2
    assert world.weights() == [{"v1": 1}, {"v1": 1}]


def test_webhook_fills_in_what_is_empty(world):
    """A name and resources: whoever compares with what was sent must compare by meaning. Of the stable also what KServe's
    configuration says, in the same request.
    """
    world.split(0)
    spec = world.service()["spec"]
    stable, canary = spec["predictor"], spec["canary"][0]["predictor"]
    assert (stable["model"]["name"], stable["model"]["resources"]) == ("", RESOURCES)
    assert (canary["model"]["name"], canary["model"]["resources"]) == ("", {})
    assert [each.get("automountServiceAccountToken") for each in (stable, canary)] == [False, None]


@pytest.mark.parametrize(
    "canaries",
    [
        pytest.param([canary(60), canary(50, "v3")], id="more than 100 percent"),
        pytest.param([canary(0), canary(0)], id="one name twice"),
        pytest.param([canary(0, "v1")], id="the stable's name"),
        pytest.param([{"trafficPercent": 0, "predictor": {"name": "v2"}}], id="no model"),
        pytest.param([canary(0, maxReplicas=2)], id="maxReplicas"),
        pytest.param([canary(0, scaleTarget=2)], id="scaleTarget"),
        pytest.param([canary(0, replicas=3)], id="more than the stable"),
    ],
)
def test_webhook_refuses(world, canaries):
    """Canaries that cannot be are refused at once, and nothing changes."""
    before = world.service()["metadata"]["generation"]
    with pytest.raises(ConfigError, match="denied the request"):
        world.own({"predictor": predictor("v1"), "canary": canaries})
    assert world.service()["metadata"]["generation"] == before


def test_new_annotation_of_the_service_rolls_every_pod(world):
    """The stable's and the canary's: nothing of a rollout may be written there. Only few keys are exempt."""
    world.start()
    before = world.pod_names("v1") | world.pod_names("v2")
    patch(world, "add", EXEMPT, "{}")
    world.let_pass(0.3)
    assert world.pod_names("v1") | world.pod_names("v2") == before
    patch(world, "add", NOTE, "1")
    try:
        world.wait(lambda: world.pods() == {"v1": 2, "v2": 2} and not before & (world.pod_names("v1") | world.pod_names("v2")))
    finally:
        patch(world, "remove", NOTE)


def test_canary_inherits_what_it_omits(world):
    """A canary with a name alone is the stable once more: model, environment and annotations."""
    empty = {"name": "v2", "minReplicas": 1, "model": {"name": "", "modelFormat": {"name": "clinical-ner"}}}
    world.own({"predictor": predictor("v1", 3), "canary": [{"trafficPercent": 0, "predictor": empty}]})
    template = world.wait(lambda: world.deployment("v2"))["spec"]["template"]
    environment = {each["name"]: each.get("value") for each in template["spec"]["containers"][0]["env"]}
    assert template["metadata"]["annotations"][SOURCE_URI] == MODELS["v1"].uri
    assert environment[DIGEST] == MODELS["v1"].digest


def test_stable_shrinks_by_ready_canaries(world):
    """Also at 0 %, and only when they are ready: twice the pods in one update keep both at their number."""
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "never-ready"
    world.split(0)
    world.wait(lambda: len(world.pod_names("v1")) == 4 and len(world.pod_names("v2")) == 2)
    world.kserve.kubelet.faults.clear()
    world.wait(lambda: world.pods() == {"v1": 2, "v2": 2})
    world.own({"predictor": predictor("v1", 2), "canary": [canary(0)]})
    world.wait(lambda: world.pods() == {"v1": 1, "v2": 2})


def test_canary_without_a_number_gets_its_share_of_pods(world):
    """ceil(minimum x percent / 100); at 0 % that is none."""
    fields = canary(30)
    del fields["predictor"]["minReplicas"]
    world.own({"predictor": predictor("v1", 4), "canary": [fields]})
    world.wait(lambda: world.pods() == {"v1": 2, "v2": 2})
    world.own({"predictor": predictor("v1", 4), "canary": [{**fields, "trafficPercent": 0}]})
    world.wait(lambda: world.pods() == {"v1": 4})


def test_status_only_echoes_the_share(world):
    """A canary that is never ready has it in the status and not in the routes; its reason is on the pod alone."""
    world.kserve.kubelet.faults[MODELS["v2"].uri] = "image-missing"
    world.split(50)
    world.wait(lambda: world.status().get("canaryStatuses") == [{"name": "v2", "ready": False, "trafficPercent": 50}])
    world.wait(lambda: "ImagePullBackOff" in str(world.api.list(PODS, {"app": f"isvc.{workload('v2')}"})))
    world.let_pass()
    assert world.weights() == [{"v1": 100, "v2": 0}] * 2
    world.wait(lambda: world.condition("Ready") == "True")
    assert "ImagePullBackOff" not in str(world.status())


def test_observed_generation_is_the_deployments(world):
    """It does not tell whether the InferenceService was observed."""
    world.start()
    world.wait(lambda: world.status()["observedGeneration"] == world.deployment("v1")["metadata"]["generation"])
    assert world.status()["observedGeneration"] != world.service()["metadata"]["generation"]


def test_one_ready_pod_is_enough_for_the_whole_share(world):
    """With one of two pods away the canary keeps its weight."""
    world.start(50)
    world.kserve.kubelet.crash(min(world.pod_names("v2")))
    world.wait(lambda: world.deployment("v2")["status"].get("availableReplicas") == 1)
    world.let_pass(0.1)
    assert world.weights() == [{"v1": 50, "v2": 50}] * 2


def test_wrong_digest_ends_the_process_again_and_again(world):
    """Restarts and their reason are on the pod, as our server refuses a model that is not its own."""
    wrong = predictor("v2")
    wrong["model"]["env"][0]["value"] = MODELS["v3"].digest
    world.own({"predictor": predictor("v1", 4), "canary": [{"trafficPercent": 0, "predictor": wrong}]})
    world.wait(lambda: any(each.restarts for each in world.canary_processes()))
    world.wait(lambda: "CrashLoopBackOff" in str(world.api.list(PODS, {"app": f"isvc.{workload('v2')}"})))
    assert len(world.pod_names("v1")) == 4


def test_model_that_is_not_in_the_bucket_is_never_fetched(world):
    """The pod's first container fails; callers and stable notice nothing."""
    gone = predictor("v2")
    gone["model"]["storageUri"] += "4"
    world.own({"predictor": predictor("v1", 4), "canary": [{"trafficPercent": 0, "predictor": gone}]})
    world.wait(lambda: any(each.reason == NOT_FOUND for each in world.canary_processes()))
    app = {"app": f"isvc.{workload('v2')}"}
    world.wait(lambda: any("CrashLoopBackOff" in str(each["status"]) for each in world.api.list(PODS, app)))
    assert len(world.pod_names("v1")) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(predictor("v1", name="v" + 50 * "1"), id="long name"),
        pytest.param(predictor("v1", model={**predictor("v1")["model"], "storageUri": "ftp://a/v1"}), id="unknown scheme"),
    ],
)
def test_what_kserve_cannot_make_stops_it_silently(world, wrong):
    """Ready stays True, and later changes have no effect."""
    world.own({"predictor": wrong})
    patch(world, "add", NOTE, "1")
    try:
        world.let_pass()
        assert world.condition("Ready") == "True"
        assert world.pods() == {"v1": 2}
        assert world.api.list(DEPLOYMENTS, {})[0]["metadata"]["name"] == workload("v1")
    finally:
        patch(world, "remove", NOTE)


def test_model_without_its_protocol_has_no_runtime(world):
    """The status names it, and nothing is made or changed."""
    patch(world, "replace", "/spec/predictor/model/protocolVersion", "v1")
    try:
        world.wait(lambda: "NoSupportingRuntime" in str(world.status()))
        world.split(0)
        world.let_pass(0.3)
        assert world.deployment("v2") is None
    finally:
        patch(world, "replace", "/spec/predictor/model/protocolVersion", "v2")


def test_stop_deletes_everything_and_resumes_at_the_old_share(world):
    """The specification is kept meanwhile."""
    world.start(50)
    patch(world, "add", "/metadata/annotations/serving.kserve.io~1stop", "true")
    try:
        world.wait(lambda: not world.api.list(PODS, {}) and world.api.get(ROUTES, SERVICE) is None)
    finally:
        patch(world, "remove", "/metadata/annotations/serving.kserve.io~1stop")
    world.wait(lambda: world.api.get(ROUTES, SERVICE) and world.weights() == [{"v1": 50, "v2": 50}] * 2)


def test_edit_of_the_runtime_rolls_stable_and_canary(world):
    """At once and both."""
    world.start()
    before = [world.template_hash("v1"), world.template_hash("v2")]
    old = world.api.get(RUNTIMES, "clinical-ner")["spec"]["containers"][0]["image"]
    path = "/spec/containers/0/image"
    world.api.patch(RUNTIMES, "clinical-ner", [{"op": "replace", "path": path, "value": "clinical-ner/other:1"}])
    try:
        world.wait(lambda: not before[0] & world.template_hash("v1") and not before[1] & world.template_hash("v2"))
    finally:
        world.api.patch(RUNTIMES, "clinical-ner", [{"op": "replace", "path": path, "value": old}])


def test_apply_of_the_split_alone_gives_up_the_model(world):
    """What a manager owned and does not send again is removed: the whole owned set must be sent."""
    world.own({"canary": [canary(0, replicas=1)]})
    stable = world.service()["spec"]["predictor"]
    assert "name" not in stable
    assert "storageUri" not in stable["model"]
