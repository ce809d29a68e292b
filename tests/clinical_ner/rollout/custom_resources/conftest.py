"""A namespace of an API server that knows ModelRollout."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import yaml

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from tests.clinical_ner.rollout.file_world import MODEL
from tests.servers.kubernetes import KubectlError, Kubernetes

SERVICE = "ner"
NAMESPACES = count()
MANIFESTS = Path(__file__).parents[4] / "manifests/rollout"


@pytest.fixture
def cluster_api(newest: Kubernetes) -> Iterator[KubernetesApi]:
    """An empty namespace, as an administrator."""
    try:
        newest.apply(*definitions())
    except KubectlError:
        newest.apply(OPEN)
    newest.kubectl("wait", "--for=condition=Established", "crd/modelrollouts.clinical-ner.io")
    namespace = f"rollouts-{next(NAMESPACES)}"
    newest.kubectl("create", "namespace", namespace)
    yield KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig))
    newest.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def records(cluster_api: KubernetesApi) -> ClusterRollouts:
    return ClusterRollouts(cluster_api, SERVICE, MODEL)


def definitions() -> list[dict]:
    """The kind's definition, as it is delivered."""
    documents = (each for path in sorted(MANIFESTS.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text()))
    return [each for each in documents if each and each["kind"] == "CustomResourceDefinition"] or [OPEN]


OPEN = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "modelrollouts.clinical-ner.io"},
    "spec": {
        "group": "clinical-ner.io",
        "scope": "Namespaced",
        "names": {"kind": "ModelRollout", "plural": "modelrollouts", "singular": "modelrollout", "shortNames": ["mr"]},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}
