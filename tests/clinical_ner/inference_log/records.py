"""Records, and a store that fails as a test wishes."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from clinical_ner.errors import StorageError
from clinical_ner.inference_log import InferenceRecord
from clinical_ner.storage.filesystem import FileStorage

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
MODEL, VERSION = "clinical-ner", "v3"
WINDOW = (NOON - timedelta(days=1), NOON + timedelta(days=1))


def make_record(time: datetime = NOON, **changes: object) -> InferenceRecord:
    fields = {
        "record_id": uuid4().hex,
        "time": time,
        "request_id": "visit-17",
        "text_hash": "",
        "model_name": MODEL,
        "model_version": VERSION,
        "model_digest": "sha256:" + "0" * 64,
        "site": "north",
        "specialty": "",
        "note_id": "",
        "note_bytes": 120,
        "character_count": 119,
        "sentence_count": 3,
        "token_count": 25,
        "unknown_count": 2,
        "unknown_hashes": ("0123456789abcdef",),
        "labels": ("DISEASE", "TREATMENT"),
        "scores": (0.75, 1e-20),
        "latency_seconds": 0.0004,
        "status": "ok",
    }
    return InferenceRecord(**{**fields, **changes})


class SwitchedStorage(FileStorage):
    """A folder store that refuses writes while ``down``, and stops within them while ``stuck`` is not set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.down = False
        self.free = threading.Event()
        self.free.set()
        self.writes: list[str] = []

    def write(self, key: str, data: bytes) -> None:
        self.free.wait()
        if self.down:
            raise StorageError(f"{key}: the test says no")
        super().write(key, data)
        self.writes.append(key)
