"""Corpora that lie in an object store: copied to a temporary folder for as long as they are read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from clinical_ner.errors import DataError
from clinical_ner.storage import open_storage

S3 = "s3://"


class LocalCopies(NamedTuple):
    """``uri`` names files and folders of this machine; copies lie under ``folder``, which is ``""`` when there are none."""

    uri: str
    folder: str

    def original(self, text: str) -> str:
        """``text`` with the names of copies replaced by those of what they are copies of."""
        return text.replace(f"{self.folder}/", S3) if self.folder else text


@contextmanager
def local_copies(uri: str) -> Iterator[LocalCopies]:
    """Copy every ``s3://bucket/key`` part of a comma-separated ``uri``: an object, or all directly under a prefix.

    The copies hold notes; they are removed at the end, however it comes.

    Raises:
        DataError: there is no object of that name or under that prefix.
        StorageError: the store cannot be read.
    """
    parts = [part.strip() for part in uri.split(",")]
    if not any(part.startswith(S3) for part in parts):
        yield LocalCopies(uri, "")
        return
    with tempfile.TemporaryDirectory(prefix="clinical-ner-corpus-") as folder:
        paths = [str(_copy(part, Path(folder))) if part.startswith(S3) else part for part in parts]
        yield LocalCopies(",".join(paths), folder)


def _copy(uri: str, folder: Path) -> Path:
    bucket, _, key = uri.removeprefix(S3).partition("/")
    key = key.strip("/")
    store = open_storage(S3 + bucket)
    if key and store.exists(key):
        keys = [key]
    else:
        prefix = f"{key}/" if key else ""
        keys = [name for name in store.list(prefix) if "/" not in name.removeprefix(prefix)]
    if not keys:
        raise DataError(f"{uri}: no such object, and none under that prefix")
    for name in keys:
        target = folder / bucket / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read(name))
    return folder / bucket / key
