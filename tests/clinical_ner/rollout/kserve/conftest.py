"""One InferenceService for all whole rollouts of a test file, in Standard mode unless it says otherwise."""

from types import SimpleNamespace

import pytest

from clinical_ner import model_package
from clinical_ner.kubernetes_api import KubernetesApi
from tests.clinical_ner.rollout.kserve.standard_stage import Models, Stage, controller_config
from tests.doubles.faulty_kubernetes import FaultyKubernetes


@pytest.fixture(scope="session")
def packages(tiny_model, other_model):
    """Of v1, v2 and v3, as they are registered."""
    return [tiny_model, other_model(1), other_model(2)]


@pytest.fixture(scope="module")
def mode():
    """What the service is, and what the stage."""
    return Models, Stage


@pytest.fixture(scope="module")
def service(started, packages, mode, request):
    """Ready, with v1."""
    manifests = [model_package.parse_manifest(each[model_package.MANIFEST]) for each in packages]
    digests = {f"v{number}": manifest.model_digest for number, manifest in enumerate(manifests, 1)}
    namespace = request.module.__name__.rpartition(".")[2].replace("_", "-")
    with mode[0](started("kserve"), namespace, digests) as harness:
        yield harness


@pytest.fixture(scope="module")
def faulty(started, service, tmp_path_factory):
    """The API server as the controller's account reaches it."""
    folder = tmp_path_factory.mktemp("controller")
    account = SimpleNamespace(kubeconfig=controller_config(started("kserve"), service, folder))
    proxy = FaultyKubernetes(account, folder)
    yield proxy
    proxy.stop()


@pytest.fixture
def stage(service, faulty, packages, mode, tmp_path):
    """v1 is live and served alone; callers ask all the time, and none of their calls may have failed."""
    service.rest()
    api = KubernetesApi.connect(service.namespace, kubeconfig=str(faulty.kubeconfig), timeout_seconds=1)
    made = mode[1](service, api, (tmp_path / "registry").as_uri(), packages)
    made.faulty = faulty
    with service.calls() as made.callers:
        yield made
    assert made.calls_may_fail or made.callers.failures == []
