"""The first version of a service, and clusters and names that Standard mode cannot serve, with nothing written."""

from itertools import count

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES
from clinical_ner.rollout.kserve.standard import StandardTarget
from clinical_ner.rollout.targets import ModelReference
from tests.clinical_ner.rollout.kserve.standard_stage import SETTLE_SECONDS
from tests.clinical_ner.rollout.target_conformance import retry, set_percent, start, wait_for
from tests.doubles.kserve.harness import MODEL, MODELS, SERVICE, StandardHarness, create_service

NAMESPACES = count()
BODY = {
    "metadata": {"name": SERVICE, "annotations": {"serving.kserve.io/deploymentMode": "Standard"}},
    "spec": {"predictor": {"model": {"modelFormat": {"name": MODEL}, "name": "", "storageUri": MODELS["v1"].uri}}},
}


class Empty(StandardHarness):
    """The service as the overlay has it, which names no model."""

    def begin(self):
        create_service(self.kubernetes, self.namespace, self.overlay)


@pytest.fixture(scope="module")
def running(started):
    with Empty(started("kserve"), "standard-first") as harness:
        yield harness


@pytest.fixture
def empty(running):
    if running.api.get(INFERENCE_SERVICES, SERVICE) is None:
        running.begin()
    running.target = StandardTarget(running.api, SERVICE, MODEL, settle_seconds=SETTLE_SECONDS)
    yield running
    running.end()


@pytest.fixture
def alone(cluster):
    """A service without any controller, in each version of KServe."""
    namespace = f"standard-alone-{next(NAMESPACES)}"
    cluster.create_namespace(namespace)
    return KubernetesApi.connect(namespace, kubeconfig=str(cluster.kubeconfig))


def test_first_version_is_a_canary_with_everything_until_it_is_promoted(empty):
    """It is nobody's stable before; the promotion restarts nothing, and the next version has it to fall back to."""
    target, pods = empty.target, lambda: {each.name for each in empty.processes({}) if each.ready}
    before = wait_for(target, lambda seen: seen.percent == 0)
    assert (before.stable, before.canary, before.drift) == (None, None, ())
    seen = retry(target, lambda seen: target.start(MODELS["v1"], seen), lambda seen: seen.canary)
    seen = wait_for(target, lambda seen: seen.percent == 100 and seen.canary.ready)
    assert (seen.stable, seen.canary.version, seen.canary.digest, seen.asked) == (None, "v1", MODELS["v1"].digest, 100)
    target.set_percent(100, seen)
    assert target.observe().token == seen.token
    serving = pods()
    done = retry(target, target.promote, lambda seen: seen.canary is None)
    assert (done.stable, done.asked, done.drift) == (seen.canary, None, ())
    assert pods() == serving
    start(target, MODELS["v2"])
    assert set_percent(target, 50).stable.version == "v1"


def test_first_version_that_is_aborted_leaves_the_service_as_it_was(empty):
    """Without a model, and without anything of the rollout's."""
    target, spec = empty.target, empty.service()["spec"]
    target.start(MODELS["v1"], wait_for(target, lambda seen: seen.percent == 0))
    retry(target, target.abort, lambda seen: seen.canary is None)
    assert empty.service()["spec"] == spec


def test_kserve_without_canaries_is_named(alone, cluster):
    """KServe 0.18 has no field for the split: said before anything is written; a newer one takes it."""
    alone.create(INFERENCE_SERVICES, BODY)
    target = StandardTarget(alone, SERVICE, MODEL)
    canary = cluster.get("crd", "inferenceservices.serving.kserve.io")["spec"]["versions"][0]["schema"]
    if "canary" in canary["openAPIV3Schema"]["properties"]["spec"]["properties"]:
        target.start(MODELS["v2"], target.observe())
        assert target.observe().canary.version == "v2"
        return
    with pytest.raises(ConfigError, match=r"no spec\.canary.*0\.20"):
        target.start(MODELS["v2"], target.observe())
    assert alone.get(INFERENCE_SERVICES, SERVICE)["spec"] == BODY["spec"]


@pytest.mark.parametrize(
    ("version", "uri", "words"),
    [
        ("3", "s3://b/m/3", "cannot name a predictor"),
        ("v1.2", "s3://b/m/v1.2", "cannot name a predictor"),
        ("v" * 40, f"s3://b/m/{'v' * 40}", "KServe takes 63"),
        ("v2", "file:///models/v2", "fetches no model"),
    ],
)
def test_names_that_stop_kserve_are_refused(newest, version, uri, words):
    """KServe takes them and then does nothing more, with Ready=True: nothing is written."""
    namespace = f"standard-names-{next(NAMESPACES)}"
    newest.create_namespace(namespace)
    api = KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig))
    api.create(INFERENCE_SERVICES, BODY)
    target = StandardTarget(api, SERVICE, MODEL)
    before = target.observe()
    with pytest.raises(ConfigError, match=words):
        target.start(ModelReference(version, "sha256:1", uri), before)
    assert target.observe().token == before.token


def test_service_that_does_not_exist_is_missing(newest):
    """And nothing else is known of it."""
    newest.create_namespace("standard-missing")
    seen = StandardTarget(
        KubernetesApi.connect("standard-missing", kubeconfig=str(newest.kubeconfig)), SERVICE, MODEL
    ).observe()
    assert (seen.missing, seen.stable, seen.canary, seen.percent) == (True, None, None, None)


def test_number_of_pods_is_the_controllers_to_say(empty):
    """The first version has as many from its start on, whatever the service had before."""
    target = StandardTarget(empty.api, SERVICE, MODEL, replicas=3, settle_seconds=SETTLE_SECONDS)
    retry(target, lambda seen: target.start(MODELS["v1"], seen), lambda seen: seen.canary and seen.canary.ready)
    assert empty.service()["spec"]["predictor"]["minReplicas"] == 3
    wait_for(target, lambda _: len(empty.processes({})) == 3)
    retry(target, target.promote, lambda seen: seen.canary is None)
    start(target, MODELS["v2"])
    spec = empty.service()["spec"]
    assert (spec["predictor"]["minReplicas"], spec["canary"][0]["predictor"]["minReplicas"]) == (6, 3)
