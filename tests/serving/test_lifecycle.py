"""A server's life: not ready, ready, busy, draining, gone."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from clinical_ner.model_package import CRF
from tests.serving.callers import calling
from tests.serving.server_process import ServerProcess
from tests.serving.transports import GrpcContents, Request, RestJson, Tensor

NOTE = Request([Tensor("text", [b"Her SLE is treated with prednisone."])])
WRONG_DIGEST = "sha256:" + "0" * 64


def test_server_is_not_ready_until_the_model_is_loaded(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the model loads the server is live, not ready, and refuses inference as unavailable; then it is ready."""
    monkeypatch.setenv("GATE", str(tmp_path / "open"))
    with ServerProcess(model_folder, tmp_path / "log", script=("-m", "tests.serving.gated_server")) as server:
        server.wait_for("/v2/health/live", 200)
        stub = GRPCInferenceServiceStub(grpc.insecure_channel(server.grpc_target))

        for path in ("/v2/health/ready", "/v2/models/clinical-ner/ready", "/v2/models/clinical-ner", "/v1/models/clinical-ner"):
            assert server.get(path).status_code == 503
        assert RestJson(server).infer(NOTE).status == 503
        assert GrpcContents(server).infer(NOTE).status == "UNAVAILABLE"
        assert stub.ServerLive(pb.ServerLiveRequest()).live
        assert not stub.ServerReady(pb.ServerReadyRequest()).ready
        assert not stub.ModelReady(pb.ModelReadyRequest(name="clinical-ner")).ready

        (tmp_path / "open").touch()
        server.wait_ready()

        assert server.get("/v2/models/clinical-ner/ready").json() == {"name": "clinical-ner", "ready": True}
        assert stub.ServerReady(pb.ServerReadyRequest()).ready
        assert stub.ModelReady(pb.ModelReadyRequest(name="clinical-ner")).ready
        assert RestJson(server).infer(NOTE).status == 200


def test_wrong_digest_is_refused(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is not the one its environment expects ends the server with status 1 and both digests in its log."""
    monkeypatch.setenv("CLINICAL_NER_MODEL_DIGEST", WRONG_DIGEST)
    with ServerProcess(model_folder, tmp_path / "log") as server:
        assert server.wait() == 1
        assert "model_not_loaded" in server.log
        assert WRONG_DIGEST in server.log


def test_damaged_model_is_refused(model_folder: Path, tmp_path: Path) -> None:
    """One flipped bit in the CRF ends the server with status 1 and the file's name, not with a crash."""
    damaged = tmp_path / "model"
    shutil.copytree(model_folder, damaged)
    data = bytearray((damaged / CRF).read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / CRF).write_bytes(data)

    with ServerProcess(damaged, tmp_path / "log") as server:
        assert server.wait() == 1
        assert f"{CRF}: damaged" in server.log


@pytest.mark.parametrize("option", [("--model-digest", "sha256:short"), ("--http-port", "0"), ("--max-notes", "many")])
def test_wrong_option_is_refused(model_folder: Path, tmp_path: Path, option: tuple[str, str]) -> None:
    """A wrong option ends the server with status 2 and the option's name."""
    with ServerProcess(model_folder, tmp_path / "log", *option) as server:
        assert server.wait() == 2
        assert option[0] in server.log


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port"])
def test_taken_port_is_refused(roomy_server: ServerProcess, model_folder: Path, tmp_path: Path, option: str) -> None:
    """A second server on the same port ends with status 1 and the option's name, instead of sharing the port silently."""
    taken = {"--http-port": roomy_server.http_port, "--grpc-port": roomy_server.grpc_port}
    with ServerProcess(model_folder, tmp_path / "log", option, str(taken[option])) as server:
        assert server.wait() == 1
        assert f"{option}:" in server.log


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_model_cannot_be_unloaded(server: ServerProcess, verb: str) -> None:
    """The repository extension, which needs no credentials, does not exist over REST or gRPC: the model stays."""
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(server.grpc_target))
    message, method = {
        "load": (pb.RepositoryModelLoadRequest(model_name="clinical-ner"), stub.RepositoryModelLoad),
        "unload": (pb.RepositoryModelUnloadRequest(model_name="clinical-ner"), stub.RepositoryModelUnload),
    }[verb]

    assert httpx.post(f"{server.url}/v2/repository/models/clinical-ner/{verb}").status_code == 404
    with pytest.raises(grpc.RpcError) as caught:
        method(message)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert RestJson(server).infer(NOTE).status == 200


def test_liveness_answers_while_notes_are_tagged(roomy_server: ServerProcess, notes: list[str]) -> None:
    """A request that takes long does not hold up the probes: they are answered before it is."""
    heavy = Request([Tensor("text", [(note * 12).encode() for note in notes * 40])])
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(RestJson(roomy_server).infer, heavy)
        time.sleep(0.1)
        probes = [roomy_server.get(path).status_code for path in ("/v2/health/live", "/v2/health/ready", "/metrics")]

        assert not pending.done(), "the request was too quick to show anything"
        assert probes == [200, 200, 200]
        assert pending.result().status == 200


def test_liveness_answers_while_a_large_body_is_refused(roomy_server: ServerProcess) -> None:
    """A body over the limit is refused while it is still being sent, and the probes are answered meanwhile."""
    release = threading.Event()

    def chunks():
        for _ in range(6):
            yield b"x" * 2**20
        release.wait(30)
        yield b"x" * 2**20

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(httpx.post, f"{roomy_server.url}/v2/models/clinical-ner/infer", content=chunks(), timeout=60)
        assert roomy_server.get("/v2/health/live").status_code == 200
        release.set()
        assert pending.result().status_code == 413


def test_caller_who_leaves_in_the_middle_does_no_harm(roomy_server: ServerProcess) -> None:
    """A connection that ends within its body is forgotten: nothing is answered or logged as an error."""
    with socket.create_connection(("127.0.0.1", roomy_server.http_port)) as connection:
        connection.sendall(b"POST /v2/models/clinical-ner/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    assert RestJson(roomy_server).infer(NOTE).status == 200
    assert "internal_error" not in roomy_server.log


class Balancer:
    """Sends each call to ``first`` while its readiness, polled every 0.2 s, says yes, and to ``second`` otherwise."""

    def __init__(self, first: ServerProcess, second: ServerProcess) -> None:
        self._first, self._second = first, second
        self._ready = True
        self.failures: list[str] = []
        self.calls = {first: 0, second: 0}
        self.stopped = threading.Event()

    @contextmanager
    def load(self) -> Iterator[None]:
        """Four callers over kept HTTP connections and four over gRPC, until the block ends; none may have ended before."""
        callers = [make(*self.calls) for make in (rest_caller, grpc_caller) for _ in range(4)]
        with calling(self.stopped.set, self.poll, *(partial(self.call, caller) for caller in callers)):
            yield

    def poll(self) -> None:
        while not self.stopped.wait(0.2):
            try:
                self._ready = self._first.get("/v2/health/ready").status_code == 200
            except httpx.TransportError:
                self._ready = False

    def call(self, infer: Callable[[ServerProcess], int | str]) -> None:
        """Call again and again, until stopped."""
        while not self.stopped.is_set():
            target = self._first if self._ready else self._second
            try:
                status = infer(target)
            except Exception as error:  # noqa: BLE001  # whatever it is, nobody was answered
                status = repr(error)
            self.calls[target] += 1
            if status not in (200, "OK"):
                self.failures.append(f"{status}")


def rest_caller(*servers: ServerProcess) -> Callable[[ServerProcess], int | str]:
    """Calls over connections that are kept alive."""
    clients = {server: RestJson(server) for server in servers}
    return lambda server: clients[server].infer(NOTE).status


def grpc_caller(*servers: ServerProcess) -> Callable[[ServerProcess], int | str]:
    clients = {server: GrpcContents(server) for server in servers}
    return lambda server: clients[server].infer(NOTE).status


def test_stop_under_load_fails_no_call(roomy_server: ServerProcess, model_folder: Path, tmp_path: Path) -> None:
    """SIGTERM under load: readiness turns false first, callers move on, and not one call fails; the exit status is 0."""
    with ServerProcess(model_folder, tmp_path / "log", "--drain-seconds", "1.5") as server:
        server.wait_ready()
        balancer = Balancer(server, roomy_server)
        with balancer.load():
            time.sleep(1)
            server.terminate()
            draining = server.wait_for("/v2/health/ready", 503)
            status = server.wait()
            time.sleep(0.5)

        assert status == 0
        assert draining.headers["connection"] == "close"
        assert balancer.failures == []
        assert min(balancer.calls.values()) > 50
