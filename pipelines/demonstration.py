"""``make demo``: the loop on synthetic notes, from a corpus to answers over the v2 protocol."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from clinical_ner.errors import PipelineRunError
from pipelines import running
from pipelines.parameters import default_parameters

NOTE = (
    "Pt is a 64 y/o man with type 2 diabetes and hypertension, admitted with community-acquired pneumonia.\n"
    "Started on ceftriaxone and azithromycin; metformin continued. Denies chest pain."
)
START_SECONDS = 60


def demonstrate(output: Path, console: Console) -> dict[str, Any]:
    """Train on synthetic notes, serve the model that came out, and ask it about a note. Returns the run's results."""
    started = time.monotonic()
    console.rule("train, judge, register")
    parameters = default_parameters(registry_uri=(output / "registry").as_uri(), show_note_text=True)
    results = running.run(parameters, output, console)
    uri = results["model"]["uri"]
    if not uri:
        raise PipelineRunError(f"the gate rejected the model: see {results['reports']['gate_report']}")
    console.rule("serve and ask")
    with serve(Path(uri.removeprefix("file://")), output / "server.log") as base_url:
        _ask(base_url, parameters["model_name"], console)
    console.print(f"demo done in {time.monotonic() - started:.0f} s; everything is in {output}", soft_wrap=True)
    return results


@contextmanager
def serve(model_dir: Path, log: Path) -> Iterator[str]:
    """The model server on free ports of this machine, ready to answer; yields its base URL and stops it at the end."""
    http_port, grpc_port = _free_port(), _free_port()
    command = [sys.executable, "-m", "serving", "--model-dir", str(model_dir)]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=os.environ) as server:
        try:
            base_url = f"http://127.0.0.1:{http_port}"
            _wait_until_ready(f"{base_url}/v2/health/ready", server, log)
            yield base_url
        finally:
            server.terminate()


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    ended = f"ended with status {server.returncode}" if server.returncode is not None else f"took over {START_SECONDS} s"
    raise PipelineRunError(f"the server did not become ready ({ended}): see {log}")


def _ask(base_url: str, model_name: object, console: Console) -> None:
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [NOTE]}]}
    response = requests.post(f"{base_url}/v2/models/{model_name}/infer", json=body, timeout=30)
    response.raise_for_status()
    reply = response.json()
    outputs = {tensor["name"]: tensor["data"] for tensor in reply["outputs"]}
    console.print(NOTE, style="italic", highlight=False)
    for entity in json.loads(outputs["entities"][0]):
        console.print(f"  {entity['label']:<10} {entity['text']} ({entity['score']:.2f})", highlight=False)
    console.print(f"answered by {reply['model_name']} {reply['model_version']}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
