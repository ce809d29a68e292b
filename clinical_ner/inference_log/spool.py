"""The spool: records on the local disk from before the reply until they are sent."""

import contextlib
import math
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

import structlog

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.frames import count_records, encode_frame
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.segments import LiveSegment, Segment, close_orphans, list_segments, locked

log = structlog.get_logger("inference_log")


class Waiting(NamedTuple):
    """What is not sent yet, of all servers that share the folder."""

    bytes: float
    oldest_seconds: float
    """Age of the oldest record; 0 when there is none, or when the clock went back behind it."""


class Spool:
    """Segments in ``folder``: together at most ``cap_bytes``, each at most ``segment_bytes`` or one request.

    Written by one thread at a time, closed and listed by any. What was appended is in the kernel's hands: it survives the
    process, killed or not, and not the machine, since nothing is flushed to the disk.
    """

    def __init__(self, folder: Path, *, cap_bytes: int, segment_bytes: int, metrics: LogMetrics) -> None:
        if cap_bytes < 2 * segment_bytes:
            raise ConfigError(f"inference log: a spool of {cap_bytes:,} bytes cannot hold two segments of {segment_bytes:,}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"inference log: no spool folder {folder}: {error.strerror}") from error
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(f"inference log: the spool folder {folder} cannot be written by user {os.getuid()}")
        self._folder = folder
        self._cap_bytes = cap_bytes
        self._segment_bytes = segment_bytes
        self._metrics = metrics
        self._lock = threading.Lock()
        self._live: LiveSegment | None = None
        self.changed = threading.Event()
        """Set when a segment was closed."""

    def append(self, lines: bytes) -> None:
        """Append the records of one request by one ``write(2)``; raises OSError, and then keeps none of them."""
        frame = encode_frame(lines)
        with self._lock:
            if self._live is not None and self._live.size and self._live.size + len(frame) > self._segment_bytes:
                self._close()
            if self._live is None:
                self._make_room()
                self._live = LiveSegment.create(self._folder)
            try:
                self._live.append(frame)
            except OSError:
                if self._live.torn:
                    self._close()
                raise

    def close_live(self, older_than_seconds: float = 0.0) -> None:
        """Close the live segment when it is that old, so that it can be sent; raises OSError."""
        with self._lock:
            if self._live is not None and self._live.age_seconds >= older_than_seconds:
                self._close()

    def closed(self) -> list[Segment]:
        """Segments to be sent, those of servers that are gone among them, oldest first; raises OSError."""
        close_orphans(self._folder)
        return [segment for segment in list_segments(self._folder) if segment.closed]

    def waiting(self) -> Waiting:
        """What waits now; not a number each when the folder cannot be read."""
        try:
            segments = [segment for segment in list_segments(self._folder) if segment.size]
        except OSError:
            return Waiting(math.nan, math.nan)
        now = time.time()
        oldest = min((segment.created_seconds for segment in segments), default=now)
        return Waiting(sum(segment.size for segment in segments), max(0.0, now - oldest))

    def count_waiting(self) -> int:
        """How many records wait now; reads them all; raises OSError."""
        count = 0
        for segment in list_segments(self._folder):
            with contextlib.suppress(FileNotFoundError):
                count += count_records(segment.path.read_bytes())
        return count

    def _close(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            lost = live.close()
            if lost:
                self._lose("removed", lost, live.name)
            self.changed.set()

    def _make_room(self) -> None:
        """Drop the oldest closed segments until a new one fits below the cap; one that is being sent now is passed over."""
        segments = list_segments(self._folder)
        excess = sum(segment.size for segment in segments) + self._segment_bytes - self._cap_bytes
        for segment in segments:
            if excess > 0 and segment.closed and self._drop(segment):
                excess -= segment.size

    def _drop(self, segment: Segment) -> bool:
        with locked(segment.path) as mine:
            if not mine:
                return False
            records = count_records(segment.path.read_bytes())
            segment.path.unlink()
        self._lose("spool-cap", records, segment.path.name)
        return True

    def _lose(self, reason: str, records: int, segment: str) -> None:
        self._metrics.lose(reason, records)
        log.error("records_lost", reason=reason, records=records, segment=segment)
