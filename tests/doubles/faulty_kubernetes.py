"""An API server with faults: passes requests on to a real one, but for those that are to fail."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson

from tests.servers.kubernetes import Kubernetes

Wanted = Callable[[str, str], bool]
"""Whether a request fails, by its method and path."""


class FaultyKubernetes:
    """In front of ``cluster``. ``requests`` are the methods and paths that were asked, those that failed included."""

    def __init__(self, cluster: Kubernetes, folder: Path) -> None:
        config = orjson.loads(cluster.kubeconfig.read_text())
        self._address = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
        self._context = ssl.create_default_context(cafile=config["clusters"][0]["cluster"]["certificate-authority"])
        self._fault: tuple[int, Wanted] | None = None
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._server.server_address[1]}"}
        self.kubeconfig = folder / "kubeconfig-faulty"
        self.kubeconfig.write_bytes(orjson.dumps(config))

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def failing(self, code: int, wanted: Wanted = lambda _method, _path: True) -> Iterator[None]:
        """Answer these requests with ``code``; with 0 close the connection without a word."""
        self._fault = (code, wanted)
        try:
            yield
        finally:
            self._fault = None

    def connect(self) -> HTTPSConnection:
        """To the real server; for one caller's connection, since each handshake costs more than what is asked."""
        return HTTPSConnection(self._address, context=self._context, timeout=30)

    def pass_on(
        self, server: HTTPSConnection, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        """The answer, made up or real; 0 is none."""
        self.requests.append((method, path))
        if self._fault and self._fault[1](method, path):
            return self._fault[0], b'{"kind": "Status", "message": "a fault"}'
        server.request(method, path, body, headers)
        answer = server.getresponse()
        return answer.status, answer.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # a connection serves many requests

            def setup(self) -> None:
                super().setup()
                self.server_behind = faulty.connect()

            def finish(self) -> None:
                self.server_behind.close()
                super().finish()

            def _pass_on(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {
                    name: self.headers[name] for name in ("Authorization", "Content-Type", "Accept") if name in self.headers
                }
                content = self.rfile.read(length) or None
                code, body = faulty.pass_on(self.server_behind, self.command, self.path, headers, content)
                if code == 0:
                    self.close_connection = True
                    return
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815  # as the standard library names them

            def log_message(self, *_: object) -> None:
                """No lines between the tests'."""

        return Handler
