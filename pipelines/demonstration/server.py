"""The model server on this machine, as a process of its own, and requests to it over the v2 protocol."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import requests

from clinical_ner.documents import Document
from clinical_ner.errors import PipelineRunError

START_SECONDS = 60
STOP_SECONDS = 30
REPLY_SECONDS = 30


class Reply(NamedTuple):
    """What the server said of one note; ``entities`` as the protocol's JSON has them."""

    record_id: str
    entities: list[dict[str, Any]]
    version: str


@contextmanager
def serve(model_dir: Path, log: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The model server on free ports of this machine, ready to answer; yields its base URL and stops it at the end.

    ``options`` go on its command line, ``environment`` beside this process's own. Leaving waits until what it logged is sent.
    """
    http_port, grpc_port = free_port(), free_port()
    command = [sys.executable, "-m", "serving", "--model-dir", str(model_dir)]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port), *options]
    variables = {**os.environ, **(environment or {})}
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=variables) as server:
        try:
            base_url = f"http://127.0.0.1:{http_port}"
            _wait_until_ready(f"{base_url}/v2/health/ready", server, log)
            yield base_url
        finally:
            _stop(server)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    ended = f"ended with status {server.returncode}" if server.returncode is not None else f"took over {START_SECONDS} s"
    raise PipelineRunError(f"the server did not become ready ({ended}): see {log}")


def ask(session: requests.Session, base_url: str, model_name: str, notes: Sequence[Document]) -> list[Reply]:
    """What the server says of ``notes``, in one request."""
    columns = {
        "text": [note.text for note in notes],
        "site": [note.metadata.get("site", "") for note in notes],
        "specialty": [note.metadata.get("specialty", "") for note in notes],
    }
    inputs = [{"name": name, "datatype": "BYTES", "shape": [len(values)], "data": values} for name, values in columns.items()]
    response = session.post(f"{base_url}/v2/models/{model_name}/infer", json={"inputs": inputs}, timeout=REPLY_SECONDS)
    response.raise_for_status()
    reply = response.json()
    outputs = {tensor["name"]: tensor["data"] for tensor in reply["outputs"]}
    return [
        Reply(record_id, json.loads(entities), reply["model_version"])
        for record_id, entities in zip(outputs["record_id"], outputs["entities"], strict=True)
    ]


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
