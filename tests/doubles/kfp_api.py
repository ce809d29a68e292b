"""A Kubeflow Pipelines API in one process: a real HTTP server on a real socket, behaving as the real one was measured to.

It keeps what the client must cope with: lists that are missing instead of empty, descriptions that are not taken from the spec,
409 for a name that exists, 400 for bad YAML and wrong parameters, 500 and a second running workflow for a ``run_id`` created
twice, a second schedule for a name that has one, workflows that go with their schedule. Requests and replies are checked
against the models of ``kfp_server_api``. Faults are injected by tests.
"""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import kfp_server_api as models
from kfp_server_api import ApiClient

from tests.doubles.kfp_filters import ApiError
from tests.doubles.kfp_store import KfpStore

_CODEC = ApiClient()


@dataclass(slots=True)
class Fault:
    """What to do to the next ``times`` requests of ``method`` whose path holds ``path``.

    ``status`` is answered instead of the real reply; 0 closes the connection without one. ``carry_out`` handles the request
    first, as a server does that dies, or a proxy that gives up, after the work. ``delay_seconds`` passes before the reply.
    """

    method: str
    path: str
    status: int | None = None
    times: int = 1
    carry_out: bool = False
    delay_seconds: float = 0.0
    body: bytes = b'{"error": "injected"}'
    location: str = ""


@dataclass(slots=True)
class KfpApi:
    """The running double: its address, what it has stored, and the requests it got."""

    host: str
    store: KfpStore
    token: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: deque[str] = field(default_factory=deque)

    def next_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and fault.path in path:
                fault.times -= 1
                return fault
        return None


@contextmanager
def running_kfp_api(*, token: str = "") -> Iterator[KfpApi]:
    """Serve until the block ends; with ``token`` requests need it."""
    api = KfpApi(host="", store=KfpStore(), token=token)
    handler = type("Handler", (_Handler,), {"api": api})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        api.host = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield api
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    api: KfpApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: in two, each reply waits 40 ms for an acknowledgement

    def log_message(self, *_: Any) -> None:
        """Tests read ``requests`` instead."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        self.api.requests.append(f"{method} {url.path}")
        fault = self.api.next_fault(method, url.path)
        if fault is None:
            return self._reply(*self._handle(method, url.path, parse_qs(url.query), body))
        reply = self._handle(method, url.path, parse_qs(url.query), body) if fault.carry_out or fault.status is None else None
        time.sleep(fault.delay_seconds)
        if fault.status is None:
            assert reply is not None
            return self._reply(*reply)
        if fault.status == 0:
            self.close_connection = True
            return None
        return self._reply(fault.status, fault.body, fault.location)

    def _handle(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, bytes]:
        if self.api.token and self.headers.get("authorization") != f"Bearer {self.api.token}":
            return 401, b'{"error": "Unauthenticated"}'
        values = {name: found[0] for name, found in query.items()}
        for route_method, pattern, handle in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == route_method:
                try:
                    request = _Request(self.api.store, [unquote(part) for part in match.groups()], values, body, self.headers)
                    return 200, _encoded(handle(request))
                except ApiError as error:
                    return error.status, json.dumps({"error": str(error), "code": 3, "message": str(error)}).encode()
        return 404, b"404 page not found"

    def _reply(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, slots=True)
class _Request:
    store: KfpStore
    parts: list[str]
    query: dict[str, str]
    body: bytes
    headers: Any

    def model(self, name: str) -> Any:
        """The body as a model; fields that the model does not have are refused, as the real gateway does."""
        try:
            data = json.loads(self.body)
        except ValueError as error:
            raise ApiError(400, "the body is not JSON") from error
        decoded = _CODEC.deserialize(SimpleNamespace(data=self.body), name)
        if _CODEC.sanitize_for_serialization(decoded) != data:
            raise ApiError(400, f"unknown fields for {name}")
        return decoded

    def file(self) -> tuple[str, bytes]:
        """Name and content of the uploaded file."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        for part in message_from_bytes(head + self.body).walk():
            if part.get_param("name", header="content-disposition") == "uploadfile":
                return str(part.get_filename()), part.get_payload(decode=True)  # type: ignore[return-value]
        raise ApiError(400, "no uploadfile")


def _encoded(reply: Any) -> bytes:
    """A model as JSON; it must read back as itself, so the double cannot say what the real API could not."""
    data = json.dumps(_CODEC.sanitize_for_serialization(reply)).encode()
    if reply:
        assert _CODEC.deserialize(SimpleNamespace(data=data), type(reply).__name__) == reply
    return data


def _upload_version(request: _Request) -> models.V2beta1PipelineVersion:
    name, content = request.file()
    return request.store.upload_version(
        request.query.get("pipelineid", ""),
        request.query.get("name") or name,
        request.query.get("description", ""),
        request.query.get("tags", ""),
        content,
    )


_API = "/apis/v2beta1"
_ROUTES: list[tuple[str, str, Callable[[_Request], Any]]] = [
    ("GET", f"{_API}/healthz", lambda _: models.V2beta1GetHealthzResponse(multi_user=False)),
    ("GET", f"{_API}/pipelines", lambda r: r.store.list_pipelines(r.query.get("filter", ""))),
    ("POST", f"{_API}/pipelines", lambda r: r.store.create_pipeline(r.model("V2beta1Pipeline"))),
    ("POST", f"{_API}/pipelines/upload_version", _upload_version),
    ("GET", f"{_API}/pipelines/([^/]+)/versions", lambda r: r.store.list_versions(r.parts[0], r.query.get("filter", ""))),
    ("GET", f"{_API}/experiments", lambda r: r.store.list_experiments(r.query.get("filter", ""))),
    ("POST", f"{_API}/experiments", lambda r: r.store.create_experiment(r.model("V2beta1Experiment"))),
    ("DELETE", f"{_API}/experiments/([^/:]+)", lambda r: r.store.delete_experiment(r.parts[0])),
    ("POST", f"{_API}/runs", lambda r: r.store.create_run(r.model("V2beta1Run"))),
    ("GET", f"{_API}/runs", lambda r: r.store.list_runs(r.query)),
    ("GET", f"{_API}/recurringruns", lambda r: r.store.schedules.listed(r.query)),
    ("POST", f"{_API}/recurringruns", lambda r: r.store.create_schedule(r.model("V2beta1RecurringRun"))),
    ("GET", f"{_API}/recurringruns/([^/:]+)", lambda r: r.store.schedules.get(r.parts[0])),
    ("DELETE", f"{_API}/recurringruns/([^/:]+)", lambda r: r.store.delete_schedule(r.parts[0])),
    ("POST", f"{_API}/recurringruns/([^/:]+):enable", lambda r: r.store.schedules.change(r.parts[0], enabled=True)),
    ("POST", f"{_API}/recurringruns/([^/:]+):disable", lambda r: r.store.schedules.change(r.parts[0], enabled=False)),
    ("GET", f"{_API}/runs/([^/:]+)", lambda r: r.store.get_run(r.parts[0])),
    ("POST", f"{_API}/runs/([^/:]+):terminate", lambda r: r.store.terminate_run(r.parts[0])),
]
