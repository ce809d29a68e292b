"""Callers who go on sending notes while the service behind their address changes."""

import http.client
import itertools
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import orjson

from clinical_ner.documents import Document
from clinical_ner.reports.rollout_story import Call

REPLY_SECONDS = 30
CALLERS = 3
PAUSE_SECONDS = 0.003
"""From a reply to the next call: two cores have servers and the split to run as well."""


class Callers:
    """Threads that send one note after the other while the block runs; ``calls`` is what came of each."""

    def __init__(self, base_url: str, model_name: str, notes: Sequence[Document]) -> None:
        self._address = urlsplit(base_url)
        self._path = f"/v2/models/{model_name}/infer"
        self._bodies = itertools.cycle([_body(note.text) for note in notes])
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]
        self.calls: list[Call] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=REPLY_SECONDS)
        while not self._stopped.is_set():
            version = _ask(connection, self._path, next(self._bodies))
            self.calls.append(Call(time.time(), version))
            time.sleep(PAUSE_SECONDS)
        connection.close()


def _ask(connection: http.client.HTTPConnection, path: str, body: bytes) -> str:
    """The version that answered; empty for a call that failed, whatever the reason."""
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return ""
    return str(orjson.loads(content)["model_version"]) if reply.status == http.client.OK else ""


def _body(text: str) -> bytes:
    return orjson.dumps({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]})
