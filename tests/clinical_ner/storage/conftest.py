from itertools import count

import pytest

from tests.servers.versitygw import VersityGateway

BUCKET_NUMBERS = count()


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory):
    """A real S3 server for all tests that leave it running."""
    gateway = VersityGateway(tmp_path_factory.mktemp("s3"))
    gateway.start()
    yield gateway
    gateway.kill()


@pytest.fixture
def s3_server(running_gateway, monkeypatch):
    """The shared S3 server, which the settings name."""
    for name, value in running_gateway.environment.items():
        monkeypatch.setenv(name, value)
    return running_gateway


@pytest.fixture
def s3_uri(s3_server):
    """An empty store in a bucket of its own."""
    bucket = f"bucket-{next(BUCKET_NUMBERS)}"
    s3_server.make_bucket(bucket)
    return f"s3://{bucket}/a/registry"


@pytest.fixture(params=["file", "s3"])
def storage_uri(request, tmp_path):
    """An empty store of each backend."""
    return request.getfixturevalue("s3_uri") if request.param == "s3" else (tmp_path / "store").as_uri()
