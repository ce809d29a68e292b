"""An overlay applied in the middle of a rollout, by either way of kubectl, changes nothing that the rollout owns."""

from collections.abc import Iterator

import pytest

from tests.manifests.built import OVERLAYS, build, build_text, namespace_of, only
from tests.servers.kubernetes import Kubernetes

URI = "s3://clinical-ner/registry/models/clinical-ner/{}"
API = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}


def predictor(version: str) -> dict:
    """What a rollout says of one version; the schema asks for the container's name, which KServe's webhook else fills in."""
    digest = {"name": "CLINICAL_NER_MODEL_DIGEST", "value": "sha256:" + version[-1] * 64}
    return {"model": {"name": "", "modelFormat": {"name": "clinical-ner"}, "storageUri": URI.format(version), "env": [digest]}}


def standard(namespace: str) -> dict:
    stable = {"name": "v1", "minReplicas": 4, **predictor("v1")}
    canary = {"trafficPercent": 10, "predictor": {"name": "v2", "minReplicas": 2, **predictor("v2")}}
    return {
        **API,
        "metadata": {"name": "clinical-ner", "namespace": namespace},
        "spec": {"predictor": stable, "canary": [canary]},
    }


def knative(namespace: str) -> dict:
    spec = {"predictor": {"canaryTrafficPercent": 10, **predictor("v2")}}
    return {**API, "metadata": {"name": "clinical-ner", "namespace": namespace}, "spec": spec}


@pytest.fixture(params=OVERLAYS)
def midway(request: pytest.FixtureRequest, newest: Kubernetes) -> Iterator[tuple[str, str]]:
    """The name of an overlay that is applied, and then changed by a rollout; the namespace."""
    text, objects = build_text(OVERLAYS[request.param]), build(OVERLAYS[request.param])
    service = only(objects, "InferenceService")
    is_standard = service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    newest.kubectl("apply", "--server-side", "-f", "-", text=text)
    namespace = namespace_of(objects)
    owned = standard(namespace) if is_standard else knative(namespace)
    newest.apply(owned, options=["--field-manager=clinical-ner-rollout"])
    yield request.param, namespace
    newest.kubectl("delete", "inferenceservice", "clinical-ner", "-n", namespace)


@pytest.mark.parametrize("way", ["--server-side=true", "--server-side=false"])
def test_overlay_in_the_middle_of_a_rollout_changes_nothing(newest, midway, way):
    """Neither model nor split nor anything else that a pod template is made of."""
    name, namespace = midway
    before = newest.get("inferenceservice", "clinical-ner", "-n", namespace)["spec"]
    assert before["predictor"]["model"]["storageUri"]
    newest.kubectl("apply", way, "-f", "-", text=build_text(OVERLAYS[name]))
    assert newest.get("inferenceservice", "clinical-ner", "-n", namespace)["spec"] == before
