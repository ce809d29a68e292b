"""A namespace of a cluster that knows ModelRollout as it is delivered."""

from collections.abc import Callable, Iterator

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from tests.manifests.built import ROOT
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes

DEFINITION = ROOT / "manifests/rollout/crd.yaml"


def define_rollouts(cluster: Kubernetes) -> None:
    cluster.kubectl("apply", "--server-side", "--validate=strict", "-f", str(DEFINITION))
    cluster.kubectl("wait", "--for=condition=Established", "crd/modelrollouts.clinical-ner.io")


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest, started: Callable[[str], Kubernetes]) -> Iterator[KubernetesApi]:
    """A namespace of each module's own, as an administrator."""
    cluster, namespace = started(KSERVE_VERSIONS[0]), request.module.__name__.rpartition(".")[2].replace("_", "-")
    define_rollouts(cluster)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    yield KubernetesApi.connect(namespace, kubeconfig=str(cluster.kubeconfig))
    cluster.kubectl("delete", "modelrollouts", "--all", "-n", namespace)
