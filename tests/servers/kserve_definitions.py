"""Real API servers that know KServe at two versions, and everything else that the manifests speak of."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.servers.kubernetes import Kubernetes

KSERVE_VERSIONS = ("kserve", "kserve-0.18")
OTHERS = ("gateway-api", "kfp", "knative", "prometheus-operator")
KINDS = {
    "AuthorizationPolicy",
    "ClusterStorageContainer",
    "HTTPRoute",
    "InferenceService",
    "PeerAuthentication",
    "Pipeline",
    "PipelineVersion",
    "PodMonitor",
    "PrometheusRule",
    "RequestAuthentication",
    "Revision",
    "Route",
    "Service",
    "ServingRuntime",
}


def find_definitions(version: str) -> list[dict]:
    """CustomResourceDefinitions with KServe's of that version; the test is skipped where they are missing."""
    folder = os.environ.get("CLINICAL_NER_CRDS") or pytest.skip("CLINICAL_NER_CRDS is not set")
    istio = os.environ.get("CLINICAL_NER_ISTIO_CRDS") or pytest.skip("CLINICAL_NER_ISTIO_CRDS is not set")
    files = [path for name in (version, *OTHERS) for path in sorted(Path(folder, name).glob("*.yaml"))]
    documents = (each for path in (*files, Path(istio)) for each in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))
    return [each for each in documents if each and each["spec"]["names"]["kind"] in KINDS]


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Kubernetes]]:
    """Gives the API server that knows KServe at a version, started when it is first asked for."""
    with ExitStack() as servers:

        @cache
        def start(version: str) -> Kubernetes:
            definitions = find_definitions(version)
            server = servers.enter_context(Kubernetes(tmp_path_factory.mktemp(version)))
            server.define(definitions)
            return server

        yield start


@pytest.fixture(params=KSERVE_VERSIONS)
def cluster(request: pytest.FixtureRequest, started: Callable[[str], Kubernetes]) -> Kubernetes:
    """An API server with each KServe's definitions, shared by the tests of a process."""
    return started(request.param)


@pytest.fixture
def newest(started: Callable[[str], Kubernetes]) -> Kubernetes:
    """The one that knows the newest KServe."""
    return started(KSERVE_VERSIONS[0])
