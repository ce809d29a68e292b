"""Notes as a hospital sends them: two windows of them, and what the inference log has to show for it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from clinical_ner.documents import Document
from clinical_ner.errors import PipelineRunError
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.storage import open_storage
from pipelines.demonstration.server import ask

NOTES_A_REQUEST = 10
SENT_SECONDS = 30
REQUEST_SECONDS = 0.04
"""From a reply to the next request: a burst would overflow the queue of notes that wait to be de-identified for review."""
PAUSE_SECONDS = 1.0
"""Between windows and whatever was sent before or after them."""


@dataclass(frozen=True, slots=True)
class TwoWindows:
    """Two windows of equal length, the newer one ending at ``end``; ``notes`` are those answered, by record id."""

    end: datetime
    hours: float
    notes: Mapping[str, Document]

    @property
    def start(self) -> datetime:
        return self.end - 2 * timedelta(hours=self.hours)


def send_two_windows(base_url: str, model_name: str, notes: Sequence[Document]) -> TwoWindows:
    """Send the first half of ``notes``, then the second; returns the windows that hold one half each."""
    time.sleep(PAUSE_SECONDS)
    half = len(notes) // 2
    begun = datetime.now(UTC)
    answered = _send(base_url, model_name, notes[:half])
    between = datetime.now(UTC)
    answered |= _send(base_url, model_name, notes[half:])
    length = max(between - begun, datetime.now(UTC) - between)
    return TwoWindows(between + length, length / timedelta(hours=1), answered)


def _send(base_url: str, model_name: str, notes: Sequence[Document]) -> dict[str, Document]:
    answered: dict[str, Document] = {}
    with requests.Session() as session:
        for start in range(0, len(notes), NOTES_A_REQUEST):
            batch = notes[start : start + NOTES_A_REQUEST]
            replies = ask(session, base_url, model_name, batch)
            time.sleep(REQUEST_SECONDS)
            answered |= {reply.record_id: note for reply, note in zip(replies, batch, strict=True)}
    return answered


def wait_until_logged(log_uri: str, model_name: str, windows: TwoWindows) -> None:
    """Wait until the log's store holds a record of every note of the windows.

    Raises:
        PipelineRunError: it does not within half a minute.
    """
    deadline = time.monotonic() + SENT_SECONDS
    while (found := scan_window(open_storage(log_uri), model_name, windows.start, windows.end).table.num_rows) < len(
        windows.notes
    ):
        if time.monotonic() > deadline:
            raise PipelineRunError(f"the inference log holds {found} of {len(windows.notes)} records after {SENT_SECONDS} s")
        time.sleep(0.2)
