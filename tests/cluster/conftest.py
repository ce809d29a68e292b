"""A real cluster whose nodes run pods, the images on it, and a bucket that its pods reach; without any a test is skipped."""

import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.images.conftest import image_name
from tests.servers.kubernetes import Kubectl
from tests.servers.versitygw import VersityGateway

NUMBERS = count()


@pytest.fixture(scope="session")
def kube() -> Kubectl:
    """The cluster of KUBECONFIG: any whose nodes hold both images and reach this machine."""
    return Kubectl(Path(os.environ.get("KUBECONFIG") or pytest.skip("KUBECONFIG is not set")))


@pytest.fixture(scope="session")
def reachable_gateway(kube: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersityGateway]:
    """A real S3 server at this machine's address towards the first node."""
    gateway = VersityGateway(tmp_path_factory.mktemp("s3"), address=address_towards(kube))
    gateway.start()
    yield gateway
    gateway.kill()


@pytest.fixture(scope="module")
def registry_uri(reachable_gateway: VersityGateway) -> Iterator[str]:
    """An empty store, in a bucket of its own, that pods and this process read alike."""
    bucket = f"cluster-{next(NUMBERS)}"
    reachable_gateway.make_bucket(bucket)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in reachable_gateway.environment.items():
            patch.setenv(name, value)
        yield f"s3://{bucket}/registry"


@pytest.fixture(scope="module")
def installation(
    kube: Kubectl, registry_uri: str, reachable_gateway: VersityGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """What the manifests install, in a namespace of its own that enforces Pod Security "restricted"."""
    images = {name: image_name(f"CLINICAL_NER_{name.upper()}_IMAGE") for name in ("serve", "train")}
    namespace = f"clinical-ner-{os.getpid()}-{next(NUMBERS)}"
    installed = Installation(kube, namespace, registry_uri, images)
    installed.apply(tmp_path_factory.mktemp("overlay"), reachable_gateway.environment)
    yield installed
    kube.kubectl("delete", "namespace", namespace, "--wait=false")


def address_towards(kube: Kubectl) -> str:
    """The address by which this machine talks to the cluster's first node, and so that node's pods to this machine."""
    addresses = kube.get("nodes")["items"][0]["status"]["addresses"]
    node = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.connect((node, 9))  # sends nothing
        return str(any_socket.getsockname()[0])
