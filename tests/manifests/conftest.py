"""A namespace of a cluster that knows ModelRollout as it is delivered."""

from collections.abc import Callable, Iterator

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes
from tests.servers.model_rollouts import define_rollouts


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest, started: Callable[[str], Kubernetes]) -> Iterator[KubernetesApi]:
    """A namespace of each module's own, as an administrator."""
    cluster, namespace = started(KSERVE_VERSIONS[0]), request.module.__name__.rpartition(".")[2].replace("_", "-")
    define_rollouts(cluster)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    yield KubernetesApi.connect(namespace, kubeconfig=str(cluster.kubeconfig))
    cluster.kubectl("delete", "modelrollouts", "--all", "-n", namespace)
