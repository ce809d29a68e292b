"""A predictor as KServe's Standard mode makes it of the manifests: Deployment and Service around the runtime's own container.

KServe's model fetcher is not in reach of a test: the image of the pipeline's stages copies the same objects to the same place,
under the security context that manifests/storage gives the fetcher.
"""

from copy import deepcopy
from typing import Any

import yaml

from tests.cluster.installation import Installation
from tests.manifests.built import ROOT, Object, only, serving_pod

NAME = "clinical-ner-predictor"
HTTP_PORT, GRPC_PORT = 80, 8081
FETCH = """
import sys
from pathlib import Path
from clinical_ner.storage import open_storage
source, target = open_storage(sys.argv[1]), Path(sys.argv[2])
for key in source.list(""):
    (target / key).parent.mkdir(parents=True, exist_ok=True)
    (target / key).write_bytes(source.read(key))
"""


def deployment(installation: Installation, version: str, digest: str, replicas: int) -> Object:
    """The Deployment of a model's version; another version changes the pod template and nothing else."""
    pod = deepcopy(serving_pod(installation.objects))
    predictor = only(installation.objects, "InferenceService")["spec"]["predictor"]
    uri = f"{installation.registry_uri}/models/clinical-ner/{version}"
    labels = {**pod["metadata"]["labels"], "app": f"isvc.{NAME}", "component": "predictor"}
    pod["metadata"] = {"labels": labels, "annotations": {"internal.serving.kserve.io/storage-initializer-sourceuri": uri}}
    with_model(pod["spec"], uri, installation.images["train"])
    (container,) = pod["spec"]["containers"]
    container["env"] = [*container["env"], {"name": "CLINICAL_NER_MODEL_DIGEST", "value": digest}]
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": f"isvc.{NAME}"}},
        "strategy": predictor["deploymentStrategy"],
        "template": pod,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}


def service() -> Object:
    ports = [
        {"name": "http1", "port": HTTP_PORT, "targetPort": 8080},
        {"name": "grpc", "port": GRPC_PORT, "targetPort": 8081},
    ]
    spec = {"selector": {"app": f"isvc.{NAME}"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}


def with_model(pod: Object, uri: str, image: str) -> None:
    """Add to a pod's specification what fetches the model at ``uri`` and shows it to the server."""
    pod["initContainers"] = [fetcher(uri, image)]
    pod["volumes"] = [*pod["volumes"], {"name": "kserve-provision-location", "emptyDir": {}}]
    first, *others = pod["containers"]
    mounts = [*first["volumeMounts"], {**model_mount(), "readOnly": True}]
    pod["containers"] = [{**first, "volumeMounts": mounts}, *others]


def fetcher(uri: str, image: str) -> dict[str, Any]:
    """The init container that brings the model, restricted as KServe's is."""
    described = yaml.safe_load((ROOT / "manifests/storage/storage-initializer.yaml").read_text())["spec"]["container"]
    return {
        "name": described["name"],
        "image": image,
        "command": ["python", "-c", FETCH, uri, "/mnt/models"],
        "envFrom": [
            {"configMapRef": {"name": "clinical-ner-storage"}},
            {"secretRef": {"name": "clinical-ner-serving-s3"}},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": described["securityContext"],
        "volumeMounts": [model_mount()],
    }


def model_mount() -> dict[str, Any]:
    return {"name": "kserve-provision-location", "mountPath": "/mnt/models"}


class ServedModel:
    """Deployment and Service in an installation, and the addresses at which they answer."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        installation.send(service())
        address = installation.get("service", NAME)["spec"]["clusterIP"]
        self.url, self.grpc_target = f"http://{address}:{HTTP_PORT}", f"{address}:{GRPC_PORT}"

    def roll(self, version: str, digest: str, *, replicas: int) -> None:
        """Send the Deployment of that version and wait until it is rolled out: old pods are gone, too."""
        self._installation.send(deployment(self._installation, version, digest, replicas))
        self._installation.wait(lambda: self._is_rolled_out(replicas), f"rolling out {version}")

    def pods(self) -> list[Object]:
        return self._installation.get("pods", "-l", f"app=isvc.{NAME}")["items"]

    def remove(self) -> None:
        """End all pods as a cluster does, and wait until they are gone."""
        self._installation.kubectl("delete", "deployment", NAME)
        self._installation.wait(lambda: not self.pods(), "the end of the server's pods")

    def _is_rolled_out(self, replicas: int) -> bool:
        found = self._installation.get("deployment", NAME)
        status = found["status"]
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        complete = status.get("updatedReplicas") == status.get("readyReplicas") == status.get("replicas") == replicas
        return seen and complete and len(self.pods()) == replicas
