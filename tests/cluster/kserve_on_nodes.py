"""KServe's Standard mode for one InferenceService on a real cluster: the double makes the objects, Kubernetes runs the pods.

Of the double (tests/doubles/kserve) this uses what KServe itself does: names, inheritance, sizes, weights, status. Deployments
are Kubernetes' own here, their pods run the server's image, and nothing writes a pod's status but the kubelet.
"""

import threading
from types import TracebackType
from typing import Self

from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi
from tests.cluster.installation import Installation
from tests.cluster.predictor import with_model
from tests.doubles.kserve.objects import (
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    OWNER,
    RUNTIMES,
    SERVICES,
    SOURCE_URI,
    STANDARD_KINDS,
    Mirror,
    Object,
    keep_times,
    name_of,
    owner_reference,
)
from tests.doubles.kserve.predictors import pod_template
from tests.doubles.kserve.standard import Workload, put_routes, ready_pods, workloads
from tests.doubles.kserve.standard import _status as status_of

SERVICE = "clinical-ner"
PAUSE_SECONDS = 0.2


class KServeOnNodes:
    """Reconciles in a thread of its own until its block ends; ``errors`` holds what it did not expect."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.api = KubernetesApi.connect(installation.namespace, kubeconfig=str(installation.kube.kubeconfig))
        self.errors: list[Exception] = []
        self._mirror = Mirror(self.api, STANDARD_KINDS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def ready(self) -> bool:
        conditions = self._service().get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _run(self) -> None:
        while not self._stopped.wait(PAUSE_SECONDS):
            try:
                self._reconcile(self._service())
            except ClinicalNerError as error:  # conflicts with the controllers of Kubernetes among them: look again
                self.errors.append(error)

    def _service(self) -> Object:
        found = self.api.get(INFERENCE_SERVICES, SERVICE)
        assert found is not None
        return found

    def _reconcile(self, service: Object) -> None:
        if "storageUri" not in service["spec"]["predictor"]["model"]:
            return
        self._mirror.refresh()
        wanted = workloads(service, ready_pods(self._mirror))
        runtime = self._mirror.get(RUNTIMES, service["spec"]["predictor"]["model"]["runtime"])
        assert runtime is not None
        for each in wanted:
            self._put(service, each, runtime)
        self._remove_all_but({each.name for each in wanted})
        ready = ready_pods(self._mirror)
        put_routes(self._mirror, service, wanted, ready)
        self._tell(service, status_of(service, self._mirror.get(DEPLOYMENTS, wanted[0].name), ready, ""))

    def _put(self, service: Object, workload: Workload, runtime: Object) -> None:
        labels = {"app": f"isvc.{workload.name}"}
        metadata = {"name": workload.name, "labels": {OWNER: SERVICE, **labels}, "ownerReferences": [owner_reference(service)]}
        template = pod_template(service, workload.predictor, runtime, labels)
        with_model(template["spec"], template["metadata"]["annotations"][SOURCE_URI], self.installation.images["train"])
        ports = [{"name": "http1", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
        self._mirror.put(SERVICES, {"metadata": metadata, "spec": {"selector": labels, "ports": ports}})
        spec = {"replicas": workload.replicas, "selector": {"matchLabels": labels}, "template": template}
        strategy = workload.predictor["deploymentStrategy"]
        self._mirror.put(DEPLOYMENTS, {"metadata": metadata, "spec": {**spec, "strategy": strategy}})

    def _remove_all_but(self, keep: set[str]) -> None:
        """At once, whatever traffic they have; Kubernetes ends the pods."""
        for kind in (DEPLOYMENTS, SERVICES):
            for each in self._mirror.all(kind, lambda found: OWNER in found["metadata"].get("labels", {})):
                if name_of(each) not in keep:
                    self._mirror.delete(kind, name_of(each))

    def _tell(self, service: Object, status: Object) -> None:
        old = service.get("status", {})
        status = {**status, "conditions": keep_times(status["conditions"], old.get("conditions", []))}
        if old != status:
            self.api.replace(INFERENCE_SERVICES, {**service, "status": status}, subresource="status")
