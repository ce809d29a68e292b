"""``clinical-ner rollout serve``: a service on this machine, until it is interrupted."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.serving.server_process import free_ports


@pytest.fixture
def folder():
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="local-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def command(folder, *options):
    where = ["--registry-uri", str(folder / "registry"), "--target", f"local:{folder / 'service'}"]
    return [sys.executable, "-m", "clinical_ner", "rollout", "serve", *where, *options]


def test_serve_says_where_and_refuses_another_port_later(folder):
    """It tells its address and that nothing is live; run again in its folder it keeps its port, and says so."""
    port, other = free_ports(2)
    with subprocess.Popen(command(folder, "--port", str(port)), stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert told == f"no version of clinical-ner is live: callers at http://127.0.0.1:{port} get 503 until a rollout\n"
    again = subprocess.run(command(folder, "--port", str(other)), capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert f"--port: the service in this folder has {port}: leave it out, or remove the folder" in again.stderr
