"""Callers who never stop asking a service, and what they were answered."""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import NamedTuple, Self

import httpx

NOTE = "The patient with asthma was given salbutamol."
BODY = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [NOTE]}]}


class Answer(NamedTuple):
    """``ended`` in seconds since 1970; ``version`` is empty for a failed call."""

    ended: float
    status: str
    version: str


class Callers:
    """Threads that call one after the other over kept connections, while the block runs."""

    def __init__(self, url: str, count: int = 4, pause_seconds: float = 0.002) -> None:
        self._url = f"{url}/v2/models/clinical-ner/infer"
        self._pause_seconds = pause_seconds
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != "200"]

    def versions(self, since: float = 0.0, until: float = float("inf")) -> Counter[str]:
        """How many calls each version answered that ended between two times."""
        return Counter(answer.version for answer in self.answers if since <= answer.ended < until)

    def _call(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stopped.is_set():
                status, version = ask(client, self._url)
                self.answers.append(Answer(time.time(), status, version))
                time.sleep(self._pause_seconds)


def ask(client: httpx.Client, url: str) -> tuple[str, str]:
    """Status and version of one call."""
    try:
        response = client.post(url, json=BODY)
    except httpx.TransportError as error:
        return repr(error), ""
    return str(response.status_code), response.json()["model_version"] if response.status_code == 200 else ""
