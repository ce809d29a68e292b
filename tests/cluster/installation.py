"""The manifests as a platform team installs them: an overlay of its own, applied by kubectl."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.manifests.built import COMPONENTS, OVERLAYS, ROOT, Object, build
from tests.servers.kubernetes import Kubectl

BUILT_IN = {"v1", "apps/v1", "batch/v1", "policy/v1", "rbac.authorization.k8s.io/v1"}
"""What a cluster without anything else knows. Network policies are left out: DNS and gateway that they name are not there."""

WAIT_SECONDS = 240
LOG_KEY = "0123456789abcdef" * 2


class Installation:
    """An overlay of the components ``standard`` and ``log-shipping`` in ``namespace``, for the store at ``registry_uri``."""

    def __init__(self, kube: Kubectl, namespace: str, registry_uri: str, images: dict[str, str]) -> None:
        self.kube, self.namespace, self.registry_uri, self.images = kube, namespace, registry_uri, images
        self.objects: tuple[Object, ...] = ()

    def apply(self, folder: Path, s3: dict[str, str]) -> None:
        """Write the overlay into ``folder``, make Secrets of ``s3``, and apply what the cluster knows, but no Deployment."""
        write_overlay(folder, self.namespace, self._values(s3["AWS_ENDPOINT_URL"]), self.images)
        self.objects = build(folder)
        known = (each for each in self.objects if each["apiVersion"] in BUILT_IN)
        self.send(*(each for each in known if each["kind"] != "Deployment"))
        keys = {name: value for name, value in s3.items() if name != "AWS_ENDPOINT_URL"}
        for name in ("clinical-ner-serving-s3", "clinical-ner-pipelines-s3", "clinical-ner-rollout-s3"):
            self.send(self.secret(name, keys))
        self.send(self.secret("clinical-ner-log-key", {"key": LOG_KEY}))

    def send(self, *objects: Object) -> None:
        """Apply objects, which are given the namespace where they name none."""
        placed = [{**each, "metadata": {"namespace": self.namespace, **each["metadata"]}} for each in objects]
        for each in placed:
            if each["kind"] == "Namespace":
                del each["metadata"]["namespace"]
        self.kube.apply(*placed)

    def secret(self, name: str, values: dict[str, str]) -> Object:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}

    def get(self, *arguments: str) -> Object:
        return self.kube.get("-n", self.namespace, *arguments)

    def kubectl(self, *arguments: str) -> str:
        return self.kube.kubectl("-n", self.namespace, *arguments)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Look until it is true; fails with the state of all pods when time runs out."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: did not happen\n{self.describe()}"
            time.sleep(0.3)

    def describe(self) -> str:
        """Pods and events, for the message of a test that fails."""
        pods = self.kube.try_kubectl("-n", self.namespace, "get", "pods", "-o", "wide").stdout
        events = self.kube.try_kubectl("-n", self.namespace, "get", "events", "--sort-by=.lastTimestamp").stdout
        return f"{pods}\n{events[-3000:]}"

    def _values(self, endpoint: str) -> list[str]:
        return [
            f"AWS_ENDPOINT_URL={endpoint}",
            f"CLINICAL_NER_REGISTRY_URI={self.registry_uri}",
            f"CLINICAL_NER_INFERENCE_LOG_URI={self.registry_uri}",
        ]


def write_overlay(folder: Path, namespace: str, values: list[str], images: dict[str, str]) -> None:
    """A copy of staging with another namespace, other values and the built images; nothing for a Prometheus."""
    root = Path(os.path.relpath(ROOT, folder.resolve()))  # kustomize reads relative paths only
    names = {name: image.rpartition(":") for name, image in images.items()}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": ["namespace.yaml", str(root / "manifests")],
        "components": [str(root / COMPONENTS[name].relative_to(ROOT)) for name in ("standard", "log-shipping")],
        "configMapGenerator": [{"name": "clinical-ner-storage", "behavior": "merge", "literals": values}],
        "images": [
            {"name": f"clinical-ner/python-{name}", "newName": parts[0], "newTag": parts[2]} for name, parts in names.items()
        ],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    (folder / "namespace.yaml").write_text((OVERLAYS["staging"] / "namespace.yaml").read_text())
