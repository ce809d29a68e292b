"""A service at rest under a rollout's ownership, for the conformance suite of targets; of each mode one.

    with StandardHarness(kubernetes, "a-namespace", StandardTarget) as harness: ...

``make_target`` is called with the Kubernetes API of the namespace, the service's name and the model's.
"""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.targets import ModelReference, Target
from tests.doubles.kserve.controllers import KServe
from tests.doubles.kserve.gateway import Callers
from tests.doubles.kserve.objects import DIGEST, INFERENCE_SERVICES, PODS, RUNTIMES, Object
from tests.doubles.kserve.pods import Process
from tests.doubles.kserve.revisions import REVISION
from tests.doubles.kserve.timing import Timing
from tests.doubles.kserve.webhook import serving_webhook
from tests.manifests.built import OVERLAYS, build, only
from tests.servers.kubernetes import Kubernetes

SERVICE = MODEL = "clinical-ner"
WAIT_SECONDS = 30
MODELS = {
    f"v{number}": ModelReference(
        f"v{number}", f"sha256:{str(number) * 64}", f"s3://clinical-ner/registry/models/{MODEL}/v{number}"
    )
    for number in (1, 2, 3)
}

MakeTarget = Callable[[KubernetesApi, str, str], Target]


class KServeHarness:
    """An InferenceService of the project's own manifests, its stable version v1 ready behind a gateway."""

    overlay: str
    mode: str

    def __init__(
        self, kubernetes: Kubernetes, namespace: str, make_target: MakeTarget | None = None, *, timing: Timing | None = None
    ) -> None:
        self.kubernetes, self.namespace = kubernetes, namespace
        self.models = dict(MODELS)
        digests = {model.uri: model.digest for model in MODELS.values()}
        self.kserve = KServe(kubernetes.kubeconfig, namespace, SERVICE, digests, mode=self.mode, timing=timing)
        self.api = KubernetesApi.connect(namespace, kubeconfig=str(kubernetes.kubeconfig))
        if make_target is not None:
            self.target = make_target(self.api, SERVICE, MODEL)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        create_namespace(self.kubernetes, self.namespace, self.overlay)
        self._running.enter_context(serving_webhook(self.kubernetes.kubeconfig, self.namespace))
        self._running.enter_context(self.kserve)
        self.begin()
        return self

    def begin(self) -> None:
        """A new service with v1 alone, as soon as it is ready."""
        with self.kserve.busy:  # else it may make pods without a model first
            create_service(self.kubernetes, self.namespace, self.overlay)
            self.own(self.at_rest(MODELS["v1"]))
        self.wait(self.is_ready, "the stable version is not ready")

    def end(self) -> None:
        """Without the service, and whatever came of it."""
        for kind in (INFERENCE_SERVICES, RUNTIMES):
            self.api.delete(kind, SERVICE)
        self.wait(lambda: not self.api.list(PODS, {}) and not self.kserve.gateway.weights(time.monotonic()))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._running.__exit__(kind, error, at)

    def at_rest(self, model: ModelReference) -> Object:
        """The fields of the InferenceService's specification that a rollout owns, with one version alone."""
        raise NotImplementedError

    def own(self, spec: Object) -> Object:
        """Apply them, all of them, as a rollout does."""
        return self.api.apply(INFERENCE_SERVICES, {"metadata": {"name": SERVICE}, "spec": spec})

    def calls(self) -> Callers:
        return self.kserve.calls()

    def crash(self, role: str) -> None:
        """A process of the canary, or of the stable version; of several the newest."""
        self.kserve.kubelet.crash(max(each.name for each in self._processes_of(role)))

    def _processes_of(self, role: str) -> list[Process]:
        if role == "canary":
            return self.canary_processes()
        stable = self.target.observe().stable
        assert stable is not None
        return [each for each in self.processes({}) if each.version == stable.version]

    def canary_processes(self) -> list[Process]:
        raise NotImplementedError

    def processes(self, labels: dict[str, str]) -> list[Process]:
        found = list(self.kserve.kubelet.processes.values())
        return [each for each in found if labels.items() <= each.labels.items() and each.deleted is None]

    def service(self) -> Object:
        found = self.api.get(INFERENCE_SERVICES, SERVICE)
        assert found is not None
        return found

    def is_ready(self) -> bool:
        conditions = self.service().get("status", {}).get("conditions", [])
        weights = self.kserve.gateway.weights(time.monotonic())
        return bool(weights) and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def wait(self, condition: Callable[[], Any], message: str = "it did not come to that") -> Any:
        """Wait until it is so, and give what it says."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{message}: {json.dumps(self.api.get(INFERENCE_SERVICES, SERVICE), indent=1)}"
            time.sleep(0.02)
        return found


class StandardHarness(KServeHarness):
    """Two pods a version at rest."""

    overlay, mode = "production", "Standard"
    replicas = 2

    def at_rest(self, model: ModelReference) -> Object:
        return {"predictor": standard_predictor(model, self.replicas)}

    def _processes_of(self, role: str) -> list[Process]:
        """Once there are no more than should be: of surplus pods one that crashes is the first to go."""
        self.wait(lambda: len(super(StandardHarness, self)._processes_of(role)) == self.replicas, "surplus pods are left")
        return super()._processes_of(role)

    def canary_processes(self) -> list[Process]:
        (canary,) = self.service()["spec"]["canary"]
        return self.processes({"app": f"isvc.{SERVICE}-{canary['predictor']['name']}-predictor"})


class KnativeHarness(KServeHarness):
    """One pod a revision; the first is v1's."""

    overlay, mode = "dev", "Knative"

    def at_rest(self, model: ModelReference) -> Object:
        return {"predictor": knative_predictor(model)}

    def canary_processes(self) -> list[Process]:
        component = self.service()["status"]["components"]["predictor"]
        return self.processes({REVISION: component["latestCreatedRevision"]})


def model_fields(model: ModelReference) -> Object:
    return {"name": "", "storageUri": model.uri, "env": [{"name": DIGEST, "value": model.digest}]}


def standard_predictor(model: ModelReference, replicas: int) -> Object:
    """What a rollout says of one version in Standard mode."""
    fields = {"modelFormat": {"name": MODEL}, **model_fields(model)}
    return {"name": model.version, "minReplicas": replicas, "model": fields}


def knative_predictor(model: ModelReference, percent: int | None = None) -> Object:
    """What a rollout says in Knative mode."""
    share = {} if percent is None else {"canaryTrafficPercent": percent}
    return {**share, "model": {"modelFormat": {"name": MODEL}, **model_fields(model)}}


def create_namespace(kubernetes: Kubernetes, namespace: str, overlay: str) -> None:
    """A restricted one, as the overlay has it."""
    labels = only(build(OVERLAYS[overlay]), "Namespace")["metadata"]["labels"]
    kubernetes.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})


def create_service(kubernetes: Kubernetes, namespace: str, overlay: str) -> None:
    """Runtime, account and InferenceService as the overlay has them."""
    kinds = {"ServingRuntime", "InferenceService", "ServiceAccount"}
    wanted = [each for each in build(OVERLAYS[overlay]) if each["kind"] in kinds]
    kubernetes.apply(*({**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in wanted))
