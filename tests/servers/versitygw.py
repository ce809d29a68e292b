"""A real S3 server on a free port of this machine, started, killed and restarted by tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryFile

import pytest

ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key-0123456789"


def find_versitygw() -> str:
    """The program's path; the test is skipped when it is not installed."""
    folders = [os.environ.get("PATH", ""), f"{os.environ.get('GOPATH', Path.home() / 'go')}/bin"]
    program = shutil.which("versitygw", path=os.pathsep.join(folders))
    return program or pytest.skip("versitygw is not installed")


class VersityGateway:
    """``versitygw`` over a folder, whose subfolders are the buckets; it keeps port and objects over a restart.

    With ``tls`` it serves HTTPS with a certificate of its own, ``certificate``, that nobody trusts unasked. It listens at
    ``address``, one of this machine's.
    """

    def __init__(self, folder: Path, *, tls: bool = False, address: str = "127.0.0.1") -> None:
        self._program = find_versitygw()
        self._objects, self._sidecar = folder / "objects", folder / "metadata"
        self._objects.mkdir(parents=True)
        self._address, self._port = address, free_port()
        self.certificate = make_certificate(folder) if tls else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self._address}:{self._port}"

    @property
    def objects(self) -> Path:
        """The folder of buckets."""
        return self._objects

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a client finds the server and is let in."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [] if has_extended_attributes(self._objects) else ["--sidecar", str(self._sidecar)]
        if options:
            self._sidecar.mkdir(exist_ok=True)
        tls = ["--cert", str(self.certificate), "--key", str(key_of(self.certificate))] if self.certificate else []
        command = [
            self._program,
            "--quiet",
            *tls,
            "--port",
            f"{self._address}:{self._port}",
            "posix",
            *options,
            str(self._objects),
        ]
        keys = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
        with TemporaryFile() as output:
            self._process = subprocess.Popen(command, env={**os.environ, **keys}, stdout=output, stderr=subprocess.STDOUT)
            deadline = time.monotonic() + 30
            while not listens(self._port, self._address):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise RuntimeError(f"versitygw did not start: {output.read().decode(errors='replace')}")
                time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def make_bucket(self, name: str) -> None:
        (self._objects / name).mkdir()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


def has_extended_attributes(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.test", b"1")
        os.removexattr(folder, "user.test")
    except OSError:
        return False
    return True


def key_of(certificate: Path) -> Path:
    return certificate.with_suffix(".key")


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key beside it."""
    certificate = folder / "server.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key_of(certificate)), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate
