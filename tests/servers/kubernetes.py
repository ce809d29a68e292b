"""A real Kubernetes API server over a real etcd, as envtest starts them: RBAC, admission and Pod Security on, no node.

``KUBEBUILDER_ASSETS`` names the folder with ``etcd`` and ``kube-apiserver`` (``setup-envtest use -p path 1.34``).
"""

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.servers.versitygw import free_port

TOKEN = "test-admin-token"
START_SECONDS = 90
KUBECTL_SECONDS = 120


def find_assets() -> Path:
    """The folder of programs; the test is skipped where there is none."""
    folder = os.environ.get("KUBEBUILDER_ASSETS", "")
    if not folder:
        pytest.skip("KUBEBUILDER_ASSETS is not set")
    return Path(folder)


def find_kubectl() -> str:
    """kubectl from the path or from the programs' folder; the test is skipped where there is none."""
    return (
        shutil.which("kubectl")
        or shutil.which("kubectl", path=os.environ.get("KUBEBUILDER_ASSETS", ""))
        or pytest.skip("kubectl is not installed")
    )


class KubectlError(AssertionError):
    """kubectl ended with another status than 0; the message is what it said."""


class Kubectl:
    """kubectl at the cluster of a kubeconfig file."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubectl, self.kubeconfig = find_kubectl(), kubeconfig

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What ``kubectl arguments`` prints, fed with ``text``.

        Raises:
            KubectlError: it refused; the message is its own.
        """
        done = self.try_kubectl(*arguments, text=text)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def try_kubectl(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """The same, whatever the status."""
        command = [self._kubectl, "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False)

    def apply(self, *objects: dict, options: Sequence[str] = ()) -> str:
        """Apply objects server-side; fields that the API does not know are refused."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.kubectl("apply", "--server-side", "--validate=strict", *options, "-f", "-", text=text)

    def define(self, definitions: Sequence[dict]) -> None:
        """Create CustomResourceDefinitions and wait until their resources are served."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(definitions)})
        self.kubectl("create", "--validate=false", "-f", "-", text=text)
        names = [f"crd/{each['metadata']['name']}" for each in definitions]
        deadline = time.monotonic() + START_SECONDS
        # The first wait fails for a definition that has no conditions at all yet.
        while (done := self.try_kubectl("wait", "--for=condition=Established", *names)).returncode != 0:
            if time.monotonic() > deadline:
                raise KubectlError(done.stderr)
            time.sleep(0.2)

    def get(self, *arguments: str) -> dict:
        """One object, or a list of them."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))


class Kubernetes(Kubectl):
    """An API server on a free port with its state in ``folder``; a context that ends it and its etcd."""

    def __init__(self, folder: Path) -> None:
        self._assets = find_assets()
        super().__init__(folder / "kubeconfig")
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def create_namespace(self, name: str) -> None:
        self._ask("/api/v1/namespaces", {"metadata": {"name": name}})

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes.clear()

    def _start(self) -> None:
        etcd = f"http://127.0.0.1:{self._start_etcd()}"
        port = free_port()
        self._write_kubeconfig(f"https://127.0.0.1:{port}")
        (self._folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
        key = self._folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self._run(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self._folder / 'certificates'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
        )
        self._wait("kube-apiserver", self._is_ready)

    def _start_etcd(self) -> int:
        clients, peers = free_port(), free_port()
        self._run(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{clients}",
            f"--advertise-client-urls=http://127.0.0.1:{clients}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
            "--unsafe-no-fsync",
        )
        self._wait("etcd", lambda: _answers(f"http://127.0.0.1:{clients}/health"))
        return clients

    def _run(self, program: str, *options: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            command = [str(self._assets / program), *options]
            self._processes.append(subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT))

    def _wait(self, program: str, ready) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._processes[-1].poll() is not None or time.monotonic() > deadline:
                log = (self._folder / f"{program}.log").read_text(errors="replace")
                raise RuntimeError(f"{program} did not start: {log[-3000:]}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            self._ask("/readyz")
        except OSError:  # the server's certificate is not there yet, nobody listens, or the answer is an error
            return False
        return True

    def _ask(self, path: str, body: dict | None = None) -> None:
        """One request as the administrator; a process of kubectl takes many times as long."""
        cluster = json.loads(self.kubeconfig.read_text())["clusters"][0]["cluster"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        with urlopen(Request(cluster["server"] + path, content, headers), context=context, timeout=10):
            pass

    def _write_kubeconfig(self, server: str) -> None:
        authority = self._folder / "certificates" / "apiserver.crt"  # which the server makes when it starts
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(authority)}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig.write_text(json.dumps(config))  # JSON is YAML


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False
