"""KServe's webhook as a real HTTPS server that the API server asks about the InferenceServices of one namespace."""

import base64
import json
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from clinical_ner.errors import ConfigError
from clinical_ner.kubernetes_api import KubernetesApi, Resource
from tests.doubles.kserve.objects import INFERENCE_SERVICES, Object
from tests.doubles.kserve.refusals import defaults, refusal

CONFIGURATIONS = Resource("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations")
WAIT_SECONDS = 30


class _Everywhere(KubernetesApi):
    """Objects that lie in no namespace."""

    def path(self, resource: Resource, name: str = "") -> str:
        return "/".join(filter(None, (resource.root, resource.plural, name)))


@contextmanager
def serving_webhook(kubeconfig: Path, namespace: str) -> Iterator[None]:
    """Answer the API server until the block ends."""
    everywhere = _Everywhere.connect("", kubeconfig=str(kubeconfig))
    with tempfile.TemporaryDirectory() as folder, ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        authority = _encrypt(server, Path(folder))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        body = _configuration(namespace, f"https://127.0.0.1:{server.server_address[1]}/", authority)
        everywhere.create(CONFIGURATIONS, body)
        try:
            _wait_until_asked(KubernetesApi.connect(namespace, kubeconfig=str(kubeconfig)))
            yield
        finally:
            everywhere.delete(CONFIGURATIONS, body["metadata"]["name"])
            server.shutdown()
            thread.join()


def _encrypt(server: ThreadingHTTPServer, folder: Path) -> bytes:
    """Have the server speak TLS; its certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=kserve", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return certificate.read_bytes()


def _configuration(namespace: str, url: str, authority: bytes) -> Object:
    rule = {
        "apiGroups": ["serving.kserve.io"],
        "apiVersions": ["v1beta1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["inferenceservices"],
    }
    webhook = {
        "name": "inferenceservice.kserve-webhook-server.defaulter",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {"metadata": {"name": f"kserve-{namespace}"}, "webhooks": [webhook]}


def _wait_until_asked(api: KubernetesApi) -> None:
    """The API server hears of a new webhook some time later; until then it would let everything pass."""
    wrong = {"trafficPercent": 0, "predictor": {"name": "a", "maxReplicas": 1, "model": {"modelFormat": {"name": "a"}}}}
    body = {"apiVersion": INFERENCE_SERVICES.api_version, "kind": INFERENCE_SERVICES.kind, "metadata": {"name": "probe"}}
    body["spec"] = {"predictor": {"name": "b"}, "canary": [wrong]}
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            api._call("POST", api.path(INFERENCE_SERVICES), query={"dryRun": "All"}, body=body)
        except ConfigError:
            return
        time.sleep(0.02)
    raise AssertionError("the API server does not ask the webhook")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": _respond(review["request"])}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _respond(request: Object) -> Object:
    service = request["object"]
    if why := refusal(service):
        return {"uid": request["uid"], "allowed": False, "status": {"code": 400, "message": why}}
    patch = base64.b64encode(json.dumps(defaults(service)).encode()).decode()
    return {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
