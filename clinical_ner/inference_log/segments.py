"""The files of a spool folder: one live segment a server, and closed segments that wait to be sent.

A live segment is held by ``flock`` for as long as its process lives, whatever its number and in whichever container: one that
can be locked belongs to nobody any more. Names begin with the time of the first record in nanoseconds, so they sort by age.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

from clinical_ner.inference_log.frames import count_records

LIVE = ".live"
CLOSED = ".closed"
_SUFFIXES = {LIVE, CLOSED}


class Segment(NamedTuple):
    """A file of the spool as it was a moment ago; ``created_seconds`` is since the epoch."""

    path: Path
    size: int
    created_seconds: float

    @property
    def closed(self) -> bool:
        return self.path.suffix == CLOSED


class LiveSegment:
    """A segment that this process appends to, and which no other takes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._opened = time.monotonic()
        self.size = 0

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new segment in ``folder``; raises OSError."""
        while True:
            path = folder / f"{time.time_ns():020d}-{uuid4().hex[:12]}{LIVE}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Between the two calls another server may have found the file unlocked and closed it.
            if _is_open_at(path, descriptor):
                return cls(path, descriptor)
            os.close(descriptor)

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._opened

    @property
    def torn(self) -> bool:
        """Whether the file ends with a part of a frame that could not be taken back: nothing may follow it."""
        return os.fstat(self._descriptor).st_size != self.size

    def append(self, frame: bytes) -> None:
        """Append a frame by one ``write(2)``; after an OSError the file is as it was, or :attr:`torn`."""
        written = os.write(self._descriptor, frame)
        if written < len(frame):
            os.ftruncate(self._descriptor, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written

    def close(self) -> int:
        """Leave the file to be sent; an empty one is removed. How many records are lost since somebody removed it; else 0."""
        try:
            if os.fstat(self._descriptor).st_size:
                self._path.rename(self._path.with_suffix(CLOSED))
            else:
                self._path.unlink()
        except FileNotFoundError:
            return self._count()
        finally:
            os.close(self._descriptor)
        return 0

    def _count(self) -> int:
        return count_records(os.pread(self._descriptor, self.size, 0))


def list_segments(folder: Path) -> list[Segment]:
    """All segments in ``folder``, oldest first."""
    segments = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            digits = path.name.partition("-")[0]
            if path.suffix in _SUFFIXES and digits.isdigit():
                try:
                    segments.append(Segment(path, entry.stat().st_size, int(digits) / 1e9))
                except FileNotFoundError:
                    continue
    return sorted(segments)


def close_orphans(folder: Path) -> None:
    """Close the live segments whose servers are gone."""
    for segment in list_segments(folder):
        if not segment.closed:
            with locked(segment.path) as mine:
                if mine:
                    segment.path.rename(segment.path.with_suffix(CLOSED))


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the file while the context lasts; the value is whether it could be had, and is still there."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock_at_once(descriptor) and _is_open_at(path, descriptor)
    finally:
        os.close(descriptor)


def _lock_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_open_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
