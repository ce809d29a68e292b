"""The model server's image as a pod runs it: asked over both protocols, then stopped."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import httpx
import numpy as np
import orjson
import pytest
from docker.models.containers import Container
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig

from clinical_ner.tagger import Tagger
from tests.images.conftest import RESTRICTED, Images
from tests.servers.versitygw import VersityGateway
from tests.serving.server_process import free_ports

START_SECONDS = 120
Start = Callable[..., "ServerContainer"]
NOTE = "Her type 2 diabetes is treated with metformin."


class ServerContainer:
    """A container of the serving image with a model mounted, on free ports of this machine."""

    def __init__(self, engine: docker.DockerClient, image: str, model: Path, **environment: str) -> None:
        http_port, grpc_port = free_ports(2)
        self.url, self.grpc_target = f"http://127.0.0.1:{http_port}", f"127.0.0.1:{grpc_port}"
        ports = {"CLINICAL_NER_HTTP_PORT": str(http_port), "CLINICAL_NER_GRPC_PORT": str(grpc_port)}
        volumes = {str(model): {"bind": "/mnt/models", "mode": "ro"}}
        self.container: Container = engine.containers.run(
            image, detach=True, environment={**ports, **environment}, volumes=volumes, **RESTRICTED
        )

    @property
    def log(self) -> str:
        return bytes(self.container.logs()).decode()

    def wait_ready(self) -> None:
        """Ask as the startup probe does; the test fails when the container ends or time runs out."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self.running, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v2/models/clinical-ner/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def running(self) -> bool:
        self.container.reload()
        return self.container.status in {"created", "running"}

    def signal(self) -> None:
        """SIGTERM; one that has ended is left alone."""
        with contextlib.suppress(docker.errors.APIError):
            self.container.kill("SIGTERM")

    def stop(self) -> int:
        """Ends the container by SIGTERM; its exit status."""
        self.container.kill("SIGTERM")
        return int(self.container.wait(timeout=60)["StatusCode"])


@pytest.fixture
def start(engine: docker.DockerClient, serve_image_name: str, model_folder: Path) -> Iterator[Start]:
    """Starts containers with more variables in their environment; none outlives the test."""
    for folder in (model_folder, model_folder.parent):  # private to this test's user, who is not the one of the container
        folder.chmod(0o755)
    started: list[ServerContainer] = []

    def starting(**environment: str) -> ServerContainer:
        started.append(ServerContainer(engine, serve_image_name, model_folder, **environment))
        return started[-1]

    yield starting
    for each in started:
        each.container.remove(force=True)


async def ask(server: ServerContainer) -> tuple[InferResponse, InferResponse]:
    """The replies by REST and by gRPC."""
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([NOTE.encode()], dtype=object), binary_data=False)
    request = InferRequest("clinical-ner", [tensor])
    async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=30)) as rest:
        by_rest = await rest.infer(server.url, request, model_name="clinical-ner")
    async with InferenceGRPCClient(server.grpc_target) as grpc:
        return by_rest, await grpc.infer(request)


def spans(reply: InferResponse) -> list[tuple[int, int, str]]:
    (entities,) = (orjson.loads(output.as_numpy()[0]) for output in reply.outputs if output.name == "entities")
    return [(entity["start"], entity["end"], entity["label"]) for entity in entities]


def test_server_image_answers_and_stops(start: Start, tagger: Tagger) -> None:
    """REST and gRPC give what the tagger gives; SIGTERM ends the container with 0; its log holds no text."""
    server = start(CLINICAL_NER_DRAIN_SECONDS="1")
    server.wait_ready()
    expected = [(entity.start, entity.end, entity.label) for entity in tagger.annotate(NOTE).entities]
    assert expected
    assert [spans(reply) for reply in asyncio.run(ask(server))] == [expected, expected]
    assert server.stop() == 0
    assert '"event":"stopping"' in server.log
    assert "metformin" not in server.log


def test_server_image_stops_while_it_starts(start: Start) -> None:
    """SIGTERM within the seconds of imports, to the first process of the container, ends it with 0 before it listens."""
    server = start()
    deadline = time.monotonic() + START_SECONDS
    while server.running:  # again and again: until the interpreter itself is up, nobody hears the first process's signals
        server.signal()
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)
    assert server.container.wait(timeout=60)["StatusCode"] == 0
    assert "stopped_before_listening" in server.log


def test_server_image_logs_and_samples(start: Start, s3_server: VersityGateway, s3_uri: str) -> None:
    """What writes Parquet and what de-identifies is in the image: record and sample are in the bucket when it has stopped."""
    server = start(
        **s3_server.environment,
        CLINICAL_NER_INFERENCE_LOG_URI=s3_uri,
        CLINICAL_NER_INFERENCE_LOG_SPOOL="/tmp/spool",
        CLINICAL_NER_INFERENCE_LOG_KEY="0123456789abcdef",
        CLINICAL_NER_REVIEW_UNIFORM_PROBABILITY="1",
        CLINICAL_NER_DRAIN_SECONDS="1",
    )
    server.wait_ready()
    asyncio.run(ask(server))
    assert server.stop() == 0, server.log
    stored = {path.suffix for path in s3_server.objects.rglob("*") if path.is_file()}
    assert {".parquet", ".json"} <= stored, server.log


def test_server_image_refuses_another_model(start: Start) -> None:
    """With a digest in its environment that the model does not have, the container ends with 1 and says so."""
    server = start(CLINICAL_NER_MODEL_DIGEST="sha256:" + "0" * 64)
    assert server.container.wait(timeout=START_SECONDS)["StatusCode"] == 1
    assert "model_not_loaded" in server.log


def test_server_image_says_that_a_model_cannot_be_read(
    engine: docker.DockerClient, serve_image_name: str, tmp_path: Path
) -> None:
    """A folder that the container's user may not enter is named with the reason, not an internal error."""
    tmp_path.chmod(0o700)
    server = ServerContainer(engine, serve_image_name, tmp_path)
    try:
        assert server.container.wait(timeout=START_SECONDS)["StatusCode"] == 1
        assert "/mnt/models: Permission denied" in server.log
    finally:
        server.container.remove(force=True)


def test_server_image_listens_where_manifests_expect_it(serve_image: Images) -> None:
    """REST at 8080, gRPC at 8081, the model at /mnt/models, and no shell between the signal and the server."""
    config = serve_image.config
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8081/tcp"}
    assert config["Entrypoint"] == ["python", "-m", "serving"]
    assert "/mnt/models" in serve_image.run(*config["Entrypoint"], "--help")
