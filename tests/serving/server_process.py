"""A model server in its own process, on ports of its own, with its log in a file."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START_SECONDS = 60
ONE_CALL_EACH = httpx.Limits(max_keepalive_connections=0)
ROOT = Path(__file__).parents[2]


class ServerProcess:
    """``python -m serving`` (or another script) with ``options``; a context that ends it."""

    def __init__(self, model_dir: Path, log: Path, *options: str, script: tuple[str, ...] = ("-m", "serving")) -> None:
        self.http_port, self.grpc_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.grpc_target = f"127.0.0.1:{self.grpc_port}"
        self._log = log
        # Made once: httpx.get makes a client each time, which costs as much time as a server that starts could use.
        self._client = httpx.Client(base_url=self.url, timeout=30, limits=ONE_CALL_EACH)
        ports = ["--host", "127.0.0.1", "--http-port", str(self.http_port), "--grpc-port", str(self.grpc_port)]
        command = [sys.executable, *script, "--model-dir", str(model_dir), *ports, *options]
        with log.open("wb") as stream:
            self._process = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=stream, stderr=stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._client.close()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = START_SECONDS) -> int:
        """The exit status."""
        return self._process.wait(timeout)

    def get(self, path: str) -> httpx.Response:
        """The answer, over a connection of its own."""
        return self._client.get(path)

    def wait_for(self, path: str, status: int) -> httpx.Response:
        """Ask until the answer has that status; fails when the process ends or time runs out."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.running, self.log
            try:
                response = self.get(path)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code == status:
                return response
            time.sleep(0.02)
        raise AssertionError(f"{path} did not answer {status}: {self.log}")

    def wait_ready(self) -> "ServerProcess":
        self.wait_for("/v2/health/ready", 200)
        return self


def wait_until(condition: Callable[[], object]) -> None:
    """Ask until it is true; fails when time runs out."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
