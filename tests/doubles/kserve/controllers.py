"""KServe's controller, Kubernetes' own and the kubelet for the InferenceServices of one namespace of a real API server.

What they do was measured on the real controller of KServe HEAD 2026-08-21 on Kubernetes 1.34 with real pods (Knative: 0.48); the
tests of this double name each measured line. It reconciles in a thread of its own until its block ends.

Not modelled: autoscalers (an HPA that leaks, KEDA, KPA), transformers and explainers, several InferenceServices in a namespace,
ReplicaSets and EndpointSlices as objects, nodes and resources, volumes, a mesh, the activator (a Knative revision without pods
refuses calls instead of holding them), and sizes of connection pools: each call is a new connection.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi
from tests.doubles.kserve import standard
from tests.doubles.kserve.gateway import Backend, Callers, Gateway
from tests.doubles.kserve.objects import (
    INFERENCE_SERVICES,
    RACES,
    ROUTES,
    SERVICES,
    STANDARD_KINDS,
    Mirror,
    Object,
    keep_times,
    name_of,
)
from tests.doubles.kserve.pods import Kubelet
from tests.doubles.kserve.timing import Timing

MODE = "serving.kserve.io/deploymentMode"


class KServe:
    """The running double. ``digests`` says which model lies under each URI, as the server that loads it would find out."""

    def __init__(
        self, kubeconfig: Path, namespace: str, service: str, digests: Mapping[str, str], timing: Timing | None = None
    ) -> None:
        self.timing = timing or Timing()
        self.api = KubernetesApi.connect(namespace, kubeconfig=str(kubeconfig))
        self.service = service
        self.kubelet = Kubelet(self.timing, digests)
        self.gateway = Gateway(self.timing, self.kubelet)
        self.errors: list[Exception] = []
        self._mirror = Mirror(self.api, STANDARD_KINDS)
        self._refreshed = self._told = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()
        if kind is None and self.errors:
            raise self.errors[0]

    def calls(self) -> Callers:
        """Callers of the service while the block runs."""
        return Callers(self.gateway.call)

    def _run(self) -> None:
        while not self._stopped.wait(self.timing.tick):
            try:
                self._step(time.monotonic())
            except RACES:
                self._refreshed = 0.0
            except ClinicalNerError as error:  # what a real controller would try again for ever, a test should hear of
                self.errors.append(error)
                self._refreshed = 0.0

    def _step(self, now: float) -> None:
        if now - self._refreshed >= self.timing.resync:
            self._mirror.refresh()
            self._refreshed = now
        service = self.api.get(INFERENCE_SERVICES, self.service)
        self.kubelet.step(self._mirror, now)
        if service is None:
            standard.remove_others(self._mirror, set())
        elif service["metadata"].get("annotations", {}).get(MODE) == "Standard":
            self._tell(service, standard.reconcile(self._mirror, service), now)
        self._route(time.monotonic())

    def _tell(self, service: Object, status: Object | None, now: float) -> None:
        """Write the status, some time after what it tells of."""
        if status is None or now - self._told < self.timing.status:
            return
        self._told = now
        old = service.get("status", {})
        status = {**status, "conditions": keep_times(status["conditions"], old.get("conditions", []))}
        if old != status:
            self.api.replace(INFERENCE_SERVICES, {**service, "status": status}, subresource="status")

    def _route(self, now: float) -> None:
        living = {name_of(each): each["spec"]["selector"] for each in self._mirror.all(SERVICES)}
        self.gateway.forget(set(living))
        route = self._mirror.get(ROUTES, self.service)
        if route is None:
            return
        backends = [
            Backend(each["name"], each.get("weight", 1), living.get(each["name"], {}), each["name"] in living)
            for each in route["spec"]["rules"][0]["backendRefs"]
        ]
        self.gateway.learn(backends, now)
