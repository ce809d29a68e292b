"""KServe's controller, Kubernetes' own and the kubelet for the InferenceServices of one namespace of a real API server.

What they do was measured on the real controller of KServe HEAD 2026-08-21 on Kubernetes 1.34 with real pods (Knative: 0.48),
and seen on that of 0.20.0, whose routes differ (``routing.py``); the tests of this double name each line. It reconciles in a
thread of its own until its block ends.

Times are a tenth of the measured ones or less (``timing.py``); the webhook is a real one (``webhook.py``).

Not modelled: autoscalers (an HPA that leaks, KEDA, KPA), transformers and explainers, several InferenceServices in a namespace,
ReplicaSets, EndpointSlices and the Deployments of revisions as objects, the status of a Knative service, nodes and resources,
volumes, the refusal of a storage initializer without a securityContext, a mesh, the activator (a Knative revision without pods
refuses calls instead of holding them), and connections that are kept: each call is a new one.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi
from tests.doubles.kserve.gateway import Callers, Gateway
from tests.doubles.kserve.knative import KnativeMode
from tests.doubles.kserve.objects import INFERENCE_SERVICES, RACES, Mirror, Object, keep_times
from tests.doubles.kserve.pods import Kubelet
from tests.doubles.kserve.routing import Routing
from tests.doubles.kserve.standard import StandardMode
from tests.doubles.kserve.timing import Timing


class KServe:
    """The running double. ``digests`` says which model lies under each URI, as the server that loads it would find out."""

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        service: str,
        digests: Mapping[str, str],
        *,
        mode: str,
        timing: Timing | None = None,
    ) -> None:
        self.timing = timing or Timing()
        self.api = KubernetesApi.connect(namespace, kubeconfig=str(kubeconfig))
        self.service = service
        self.kubelet = Kubelet(self.timing, digests)
        self.gateway = Gateway(self.timing, self.kubelet)
        self.errors: list[Exception] = []
        self.routing = Routing()
        self._mode: StandardMode | KnativeMode
        self._mode = StandardMode(self.routing) if mode == "Standard" else KnativeMode(self.timing)
        self._mirror = Mirror(self.api, self._mode.kinds)
        self._refreshed = self._told = 0.0
        self.busy = threading.Lock()
        """Held during each pass; whoever holds it has KServe see several writes as one."""
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
                with self.busy:
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
            self._mode.remove(self._mirror)
            self.gateway.forget()
        else:
            self._tell(service, self._mode.reconcile(self._mirror, service, now), now)
        backends = self._mode.backends(self._mirror, self.service)
        self.gateway.learn(backends, self._mode.living(self._mirror), time.monotonic())

    def _tell(self, service: Object, status: Object | None, now: float) -> None:
        """Write the status, some time after what it tells of."""
        if status is None or now - self._told < self.timing.status:
            return
        self._told = now
        old = service.get("status", {})
        status = {**status, "conditions": keep_times(status["conditions"], old.get("conditions", []))}
        if old != status:
            self.api.replace(INFERENCE_SERVICES, {**service, "status": status}, subresource="status")
