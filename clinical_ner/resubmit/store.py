"""Records in storage, each write under a condition."""

import re
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from clinical_ner.errors import AlreadyExists, Conflict, NotFound, StorageError
from clinical_ner.model_versions import check_name
from clinical_ner.resubmit.records import LastRun, Record
from clinical_ner.storage import Storage

_RECORD = re.compile(r"[0-9a-f]{64}\.json")
_Model = TypeVar("_Model", bound=BaseModel)


class Found(NamedTuple):
    """A record and the etag to replace it under."""

    record: Record
    etag: str


class RecordStore:
    """The records of one model."""

    def __init__(self, storage: Storage, model_name: str) -> None:
        self._storage = storage
        self.folder = f"resubmit/{check_name(model_name)}"

    def find(self, cause_id: str) -> Found | None:
        """The record of a cause, or None."""
        key = self._key(cause_id)
        try:
            data, etag = self._storage.read_versioned(key)
        except NotFound:
            return None
        return Found(_parse(Record, key, data), etag)

    def find_by_prefix(self, prefix: str) -> Found:
        """The one record whose id begins with ``prefix``.

        Raises:
            NotFound: none or several do.
        """
        ids = [cause_id for cause_id in self._ids() if cause_id.startswith(prefix)]
        found = self.find(ids[0]) if len(ids) == 1 else None
        if found is None:
            raise NotFound(f"{len(ids)} resubmissions have an id that begins with {prefix!r}; one is expected")
        return found

    def records(self) -> list[Record]:
        """All records, the oldest first."""
        found = [self.find(cause_id) for cause_id in self._ids()]
        return sorted((each.record for each in found if each), key=lambda record: (record.steps[0].time, record.cause.id))

    def create(self, record: Record) -> Found:
        """Write a new record.

        Raises:
            AlreadyExists: the cause has one.
        """
        self._storage.create(self._key(record.cause.id), record.to_json())
        return self._read_back(record)

    def replace(self, found: Found, record: Record) -> Found:
        """Write ``record`` over the one that was ``found``.

        Raises:
            Conflict: it changed since, or a later holder of the lock wrote it.
        """
        if found.record.fence > record.fence:
            raise Conflict(f"{self._key(record.cause.id)}: written under a later lock; read it again")
        self._storage.replace(self._key(record.cause.id), record.to_json(), found.etag)
        return self._read_back(record)

    def last_run(self) -> LastRun | None:
        """What was submitted last, or None."""
        try:
            return _parse(LastRun, self._last_key, self._storage.read(self._last_key))
        except NotFound:
            return None

    def write_last_run(self, last: LastRun) -> None:
        """Put ``last`` in place of what there is.

        Raises:
            Conflict: another wrote at the same time.
        """
        data = last.model_dump_json(indent=2).encode() + b"\n"
        try:
            _, etag = self._storage.read_versioned(self._last_key)
        except NotFound:
            self._storage.create(self._last_key, data)
        else:
            self._storage.replace(self._last_key, data, etag)

    @property
    def _last_key(self) -> str:
        return f"{self.folder}/last-run.json"

    def _ids(self) -> list[str]:
        names = (key.removeprefix(f"{self.folder}/") for key in self._storage.list(f"{self.folder}/"))
        return [name.removesuffix(".json") for name in names if _RECORD.fullmatch(name)]

    def _key(self, cause_id: str) -> str:
        return f"{self.folder}/{cause_id}.json"

    def _read_back(self, record: Record) -> Found:
        """What was just written with its etag.

        Raises:
            Conflict: another replaced it already.
        """
        found = self.find(record.cause.id)
        if found is None or found.record != record:
            raise Conflict(f"{self._key(record.cause.id)}: changed right after it was written; read it again")
        return found


def _parse(model: type[_Model], key: str, data: bytes) -> _Model:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise StorageError(f"{key}: damaged: not a {model.__name__}") from error


TAKEN = (AlreadyExists, Conflict)
"""Another writer was faster."""
