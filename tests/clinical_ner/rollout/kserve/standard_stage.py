"""A service in Standard mode, a registry beside it, and the real runner over both, with the delivered rights."""

import time
from collections import Counter
from pathlib import Path

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.knative_reading import ROUTES
from clinical_ner.rollout.kserve.resources import HTTP_ROUTES, INFERENCE_SERVICES
from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.clinical_ner.rollout.kserve.accounts import account_config
from tests.clinical_ner.rollout.kserve.rollout_stage import RegistryModels, RolloutStage
from tests.doubles.kserve.harness import MODEL, SERVICE, KServeHarness, StandardHarness, create_service
from tests.servers.kubernetes import Kubernetes

SETTLE_SECONDS = 0.3  # the double's gateway follows a route within 0.2
ACCOUNT = "clinical-ner-rollout-controller"


def controller_config(kubernetes: Kubernetes, harness: KServeHarness, folder: Path) -> Path:
    """A kubeconfig of the controller's own account, with the Roles that are delivered for it."""
    path = account_config(kubernetes, harness.namespace, harness.overlay, ACCOUNT, folder)
    api = KubernetesApi.connect(harness.namespace, kubeconfig=str(path))
    routes = HTTP_ROUTES if harness.mode == "Standard" else ROUTES
    # The authorizer hears of new Roles a moment later.
    harness.wait(lambda: api.may("get", INFERENCE_SERVICES, name=SERVICE) and api.may("get", routes), "no rights")
    return path


class Models(RegistryModels, StandardHarness):
    """The harness with a registry's models."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, digests: dict[str, str]) -> None:
        super().__init__(kubernetes, namespace)
        self.take_over(digests)

    def rest(self):
        """v1 alone, ready, whatever was before."""
        self.kserve.kubelet.faults.clear()
        if self.api.get(INFERENCE_SERVICES, SERVICE) is None:
            create_service(self.kubernetes, self.namespace, self.overlay)
        self.own(self.at_rest(self.models["v1"]))
        alone = {f"isvc.{SERVICE}-v1-predictor": self.replicas}
        self.wait(lambda: Counter(each.labels["app"] for each in self.processes({})) == alone, "other pods are left")
        alone = {f"{SERVICE}-v1-predictor"}
        self.wait(lambda: self.kserve.gateway.weights(time.monotonic()).keys() == alone, "the gateway knows others")
        self.wait(self.is_ready)


class Stage(RolloutStage):
    """In Standard mode."""

    def make_target(self):
        return StandardTarget(self.api, SERVICE, MODEL, settle_seconds=SETTLE_SECONDS)
