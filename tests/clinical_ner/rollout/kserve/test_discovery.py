"""What a real API server says of a service, to those who may read everything and to those who may not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.kubernetes_api import MANAGER, KubernetesApi
from clinical_ner.rollout.kserve.discovery import discover
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.obstacles import find_obstacles
from clinical_ner.rollout.kserve.opening import open_kserve_target
from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES
from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.clinical_ner.rollout.kserve.accounts import account_config
from tests.doubles.kserve.harness import MODEL, SERVICE, create_namespace, create_service
from tests.servers.kubernetes import Kubernetes
from tests.servers.model_rollouts import define_rollouts

CONTROLLER, OPERATOR = "clinical-ner-rollout-controller", "clinical-ner-rollout-operator"
CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "inferenceservice-config", "namespace": "kserve"},
    "data": {"ingress": '{"enableGatewayApi": true}', "deploy": '{"defaultDeploymentMode": "Knative"}'},
}


def install(kubernetes: Kubernetes) -> None:
    """What of KServe's own installation is looked at."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kserve"}}
    container = {"name": "manager", "image": "registry:5000/kserve/kserve-controller:v0.20.1"}
    labels = {"matchLabels": {"app": "kserve"}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "kserve-controller-manager", "namespace": "kserve"},
        "spec": {
            "selector": labels,
            "template": {"metadata": {"labels": labels["matchLabels"]}, "spec": {"containers": [container]}},
        },
    }
    kubernetes.apply(namespace)
    kubernetes.apply(CONFIG, deployment)
    define_rollouts(kubernetes)


def namespace_of(kubernetes: Kubernetes, overlay: str) -> str:
    namespace = f"discovery-{overlay}"
    if kubernetes.try_kubectl("get", "namespace", namespace).returncode:
        install(kubernetes)
        create_namespace(kubernetes, namespace, overlay)
        create_service(kubernetes, namespace, overlay)
    return namespace


@pytest.fixture
def connect(tmp_path: Path) -> Iterator:
    """The API of an overlay's namespace as an account sees it; without one as an administrator."""

    def connected(kubernetes: Kubernetes, overlay: str, account: str = "") -> KubernetesApi:
        namespace = namespace_of(kubernetes, overlay)
        config = kubernetes.kubeconfig
        if account:
            config = account_config(kubernetes, namespace, overlay, account, tmp_path)
        api = KubernetesApi.connect(namespace, kubeconfig=str(config))
        deadline = time.monotonic() + 30
        while not api.may("get", INFERENCE_SERVICES, name=SERVICE):  # the authorizer hears of new Roles a moment later
            assert time.monotonic() < deadline, "no rights"
            time.sleep(0.05)
        return api

    return connected


def test_administrator_learns_everything(newest, connect):
    """Nothing is unknown, and nothing missing."""
    found = discover(connect(newest, "production"), SERVICE)
    assert (found.mode, found.mode_told) == ("Standard", "Standard: its annotation serving.kserve.io/deploymentMode")
    assert (found.kserve, found.canary_field, found.controller) == (True, True, "v0.20.1")
    assert (found.gateway_api, found.gateway_enabled, found.route) == (True, True, False)
    assert (found.prometheus_operator, found.rollouts, found.holder, found.user) == (True, True, "", "admin")
    assert found.runtime["metadata"]["name"] == "clinical-ner"
    assert (found.restricted, found.missing) == (True, (("controller", ()), ("person", ())))
    assert find_obstacles(found) == []


@pytest.mark.parametrize(("overlay", "target"), [("production", StandardTarget), ("dev", KnativeTarget)])
def test_controller_opens_the_target_of_the_mode(newest, connect, overlay, target):
    """Its own rights suffice to find out, and for all that a rollout needs; what it may not read is unknown."""
    api = connect(newest, overlay, CONTROLLER)
    found = discover(api, SERVICE)
    assert find_obstacles(found) == []
    assert (found.controller, found.gateway_enabled, found.runtime, found.restricted) == (None, None, None, None)
    assert found.missing_for("person") == ("create modelrollouts", "patch modelrollouts")
    assert type(open_kserve_target(api, SERVICE, MODEL)) is target


def test_operator_may_ask_and_not_carry_out(newest, connect):
    """A person with the operator's Role learns what a rollout needs, and that it is for the controller to do."""
    api = connect(newest, "dev", OPERATOR)
    found = discover(api, SERVICE)
    assert find_obstacles(found, "person") == []
    missing = found.missing_for("controller")
    assert {"patch inferenceservices clinical-ner", "list pods", "get revisions", "get routes"} <= set(missing)
    with pytest.raises(ConfigError, match="may not patch inferenceservices clinical-ner"):
        open_kserve_target(api, SERVICE, MODEL)


def test_kserve_without_canaries_is_refused_in_standard_mode_alone(started, connect):
    """At 0.18 there is no spec.canary: only Knative mode can divide traffic."""
    old = started("kserve-0.18")
    assert find_obstacles(discover(connect(old, "dev"), SERVICE)) == []
    with pytest.raises(ConfigError, match="would send everything to the new model"):
        open_kserve_target(connect(old, "production"), SERVICE, MODEL)


def test_service_that_is_not_there_is_named(newest, connect):
    """The mode of the others is told all the same."""
    found = discover(connect(newest, "dev"), "another")
    assert found.mode_told == "Knative: the cluster's default"
    (told,) = find_obstacles(found)
    assert "no InferenceService another in namespace discovery-dev" in told


def test_model_of_an_overlay_is_handed_over(newest, connect):
    """Written once more by the rollout's manager and then left out of the overlay, it stays what it is."""
    api = connect(newest, "dev")
    uri = "s3://clinical-ner/registry/models/clinical-ner/v1"

    def applied(manager, model):
        body = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "spec": {"predictor": {"model": model}}}
        options = [f"--field-manager={manager}", f"--namespace={api.namespace}"]
        newest.apply({**body, "metadata": {"name": SERVICE}}, options=options)
        return find_obstacles(discover(api, SERVICE))

    format_alone = {"modelFormat": {"name": MODEL}}
    (told,) = applied("argocd", {**format_alone, "storageUri": uri})
    assert "predictor.model.storageUri belongs to the rollout and was written by argocd" in told
    assert len(applied(MANAGER, {**format_alone, "storageUri": uri})) == 1
    assert applied("argocd", format_alone) == []
    assert api.get(INFERENCE_SERVICES, SERVICE)["spec"]["predictor"]["model"]["storageUri"] == uri
