"""What was sent to a store, and waiting for it."""

import time
from collections.abc import Callable

from clinical_ner.inference_log.reading import read_window
from tests.clinical_ner.inference_log.records import MODEL, WINDOW, SwitchedStorage


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Ask until it is true; fails when time runs out."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def read_ids(storage: SwitchedStorage) -> list[str]:
    """The record ids of all that lies there."""
    return read_window(storage, MODEL, *WINDOW)["record_id"].to_pylist()
