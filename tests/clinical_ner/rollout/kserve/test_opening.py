"""From an InferenceService to its target, whatever stands in the way."""

import pytest

from clinical_ner.errors import ConfigError, TargetUnreachable
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.opening import open_kserve_target
from clinical_ner.rollout.kserve.resources import HTTP_ROUTES, INFERENCE_SERVICES
from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.doubles.kserve.harness import MODEL, MODELS, SERVICE

NAMESPACE = "rollout-opening"


@pytest.fixture
def api(newest):
    newest.kubectl("create", "namespace", NAMESPACE)
    yield KubernetesApi.connect(NAMESPACE, kubeconfig=str(newest.kubeconfig))
    newest.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def unfit(**fields: object) -> dict:
    """A service whose route would freeze when one pod of two is down."""
    predictor = {"name": "v1", "model": {"modelFormat": {"name": MODEL}, "name": "", "storageUri": MODELS["v1"].uri}}
    annotations = {"serving.kserve.io/deploymentMode": "Standard"}
    return {"metadata": {"name": SERVICE, "annotations": annotations}, "spec": {"predictor": predictor, **fields}}


def test_obstacle_stops_a_start_and_no_way_back(api):
    """A controller that begins anew refuses such a service, but not while it has a canary: traffic must be able to leave it."""
    api.apply(INFERENCE_SERVICES, unfit())
    with pytest.raises(ConfigError, match="maxUnavailable"):
        open_kserve_target(api, SERVICE, MODEL)
    canary = {"name": "v2", "model": {"modelFormat": {"name": MODEL}, "name": "", "storageUri": MODELS["v2"].uri}}
    api.apply(INFERENCE_SERVICES, unfit(canary=[{"trafficPercent": 10, "predictor": canary}]))
    backends = [
        {"name": f"{SERVICE}-{name}-predictor", "port": 80, "weight": weight} for name, weight in (("v1", 90), ("v2", 10))
    ]
    for name in (SERVICE, f"{SERVICE}-predictor"):
        api.create(HTTP_ROUTES, {"metadata": {"name": name}, "spec": {"rules": [{"backendRefs": backends}]}})
    target = open_kserve_target(api, SERVICE, MODEL, replicas=3)
    assert isinstance(target, StandardTarget)
    assert target.replicas == 3
    with pytest.raises(TargetUnreachable):  # the canary's share is not known yet
        target.observe()
