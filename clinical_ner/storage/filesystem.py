"""A store in a folder, for any number of processes of one machine (or of a shared volume with working locks)."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from clinical_ner.digests import digest_of
from clinical_ner.errors import AlreadyExists, Conflict, NotFound, StorageError
from clinical_ner.storage.keys import check_key, check_prefix

# Unfinished objects and locks stay out of the folders of objects, which other programs read as they are.
_OWN_FOLDER = ".storage"
_UNFINISHED = ".unfinished"
_LOCKS = 64

# A live writer touches its unfinished file with every block; what nobody touched for so long is a killed one's.
ABANDONED_SECONDS = 3600.0


class FileStorage:
    """:class:`~clinical_ner.storage.Storage` over the files below ``root``, which need not exist before the first write.

    An object is written aside, flushed to the disk, and then linked or renamed into place: a killed writer leaves an unfinished
    file in ``.storage/`` and nothing else. The first write of each instance removes those older than ``ABANDONED_SECONDS``.
    The etag is the content's digest.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._swept = False

    def read(self, key: str) -> bytes:
        path = self._path(key)
        with _errors_named(key):
            try:
                return path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                raise NotFound(f"{key}: no such object") from error

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        data = self.read(key)
        return data, digest_of(data)

    def create(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with _errors_named(key), self._unfinished(data) as unfinished:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Unlike a rename, a link never replaces what is there.
                os.link(unfinished, path)
            except FileExistsError:
                raise AlreadyExists(f"{key}: exists already") from None

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with _errors_named(key), self._unfinished(data) as unfinished, self._lock(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(path)

    def replace(self, key: str, data: bytes, etag: str) -> None:
        path = self._path(key)
        with _errors_named(key), self._unfinished(data) as unfinished, self._lock(key):
            if not path.is_file() or digest_of(path.read_bytes()) != etag:
                raise Conflict(f"{key}: changed or deleted since it was read; read it again")
            unfinished.replace(path)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _errors_named(key), self._lock(key):
            if path.is_file():
                path.unlink()

    def exists(self, key: str) -> bool:
        with _errors_named(key):
            return self._path(key).is_file()

    def list(self, prefix: str) -> list[str]:
        start = self._root / check_prefix(prefix).rpartition("/")[0]
        with _errors_named(prefix or "/"):
            return sorted(key for key in self._walk(start) if key.startswith(prefix))

    def uri(self, key: str) -> str:
        return self._path(key).as_uri()

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _walk(self, start: Path) -> Iterator[str]:
        for folder, subfolders, names in os.walk(start, onerror=_raise_unless_gone):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for name in names:
                if not name.startswith("."):
                    yield (Path(folder) / name).relative_to(self._root).as_posix()

    @contextmanager
    def _unfinished(self, data: bytes) -> Iterator[Path]:
        path = self._own_folder() / f"{uuid4().hex}{_UNFINISHED}"
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                # By the file system's own clock, which on a shared volume need not be this machine's.
                self._sweep(now=os.fstat(file.fileno()).st_mtime)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _sweep(self, now: float) -> None:
        if self._swept:
            return
        self._swept = True
        for path in self._own_folder().glob(f"*{_UNFINISHED}"):
            # Another writer may have finished or swept it, or it is another user's: no reason to fail a write.
            with suppress(OSError):
                if now - path.stat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        # Keys share a fixed number of lock files, which are never removed: removing one would let two holders in.
        number = int(hashlib.sha256(key.encode()).hexdigest(), 16) % _LOCKS
        with (self._own_folder() / f"{number}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _own_folder(self) -> Path:
        folder = self._root / _OWN_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@contextmanager
def _errors_named(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{key}: {error.strerror or type(error).__name__}") from error


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
