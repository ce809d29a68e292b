"""Alertmanager, the real program, and somebody at the end of its webhook."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers.prometheus import Server, find_program
from tests.servers.versitygw import free_port


class WebhookReceiver:
    """Listens for alerts on a free port; a context that ends it."""

    def __init__(self) -> None:
        received: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._received = received
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def alerts(self, name: str, status: str) -> list[dict]:
        """What came of one alert, ``firing`` or ``resolved``: labels and annotations of each."""
        every = [alert for message in list(self._received) for alert in message["alerts"]]
        return [alert for alert in every if alert["labels"]["alertname"] == name and alert["status"] == status]


class Alertmanager(Server):
    """``prometheus-alertmanager``, as Debian names it, or ``alertmanager``; all that it gets goes to ``webhook`` at once."""

    def __init__(self, folder: Path, webhook: str) -> None:
        port = free_port()
        program = find_program("prometheus-alertmanager", "alertmanager")
        route = {"receiver": "webhook", "group_by": ["alertname", "namespace"], "group_wait": "0s", "group_interval": "1s"}
        receiver = {"name": "webhook", "webhook_configs": [{"url": webhook, "send_resolved": True}]}
        (folder / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": [receiver]}))  # JSON is YAML
        options = ["--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address="]
        super().__init__(folder, port, program, *options, f"--web.listen-address=127.0.0.1:{port}")
