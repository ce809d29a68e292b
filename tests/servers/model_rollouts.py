"""A namespace of a real API server that knows ModelRollout."""

from functools import cache
from itertools import count
from pathlib import Path

import pytest
import yaml

from clinical_ner.kubernetes_api import KubernetesApi
from tests.servers.kubernetes import Kubernetes

NAMESPACES = count()
MANIFESTS = Path(__file__).parents[2] / "manifests/rollout"


@pytest.fixture
def cluster_api(newest: Kubernetes) -> KubernetesApi:
    """An empty namespace, as an administrator."""
    define_rollouts(newest)
    namespace = f"rollouts-{next(NAMESPACES)}"
    newest.create_namespace(namespace)
    return KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig))


@cache
def define_rollouts(cluster: Kubernetes) -> None:
    """Have the kind served, as it is delivered."""
    documents = (each for path in sorted(MANIFESTS.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text()))
    cluster.apply(*(each for each in documents if each and each["kind"] == "CustomResourceDefinition"))
    cluster.kubectl("wait", "--for=condition=Established", "crd/modelrollouts.clinical-ner.io")
