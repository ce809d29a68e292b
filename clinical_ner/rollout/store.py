"""Rollouts in the registry's storage: what a laptop has instead of a custom resource.

::

    rollouts/<model>/<name>.json    spec, status and requests of one rollout; one object, changed by compare-and-swap
    rollouts/<model>/lock           who advances them now, until when
"""

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from clinical_ner.errors import Conflict, StorageError
from clinical_ner.model_versions import check_name
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts, by_age
from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus
from clinical_ner.storage import Storage

_SUFFIX = ".json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    spec: RolloutSpec
    status: RolloutStatus = RolloutStatus()
    requests: Requests = Requests()

    def to_json(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


class StoredRollouts(Rollouts):
    """The rollouts of one model."""

    def __init__(self, storage: Storage, model: str) -> None:
        self.storage = storage
        self.folder = f"rollouts/{check_name(model)}"

    @property
    def lock_key(self) -> str:
        return f"{self.folder}/lock"

    def create(self, spec: RolloutSpec) -> Stored:
        """Write down a new rollout.

        Raises:
            AlreadyExists: there is one of that name.
            ConfigError: its name is unfit for a key.
        """
        self.storage.create(self._key(check_name(spec.name)), _Record(spec=spec).to_json())
        return self.read(spec.name)

    def all(self) -> list[Stored]:
        """Every rollout, the oldest first."""
        keys = [key for key in self.storage.list(f"{self.folder}/") if key.endswith(_SUFFIX)]
        names = [key.removeprefix(f"{self.folder}/").removesuffix(_SUFFIX) for key in keys]
        return by_age(map(self.read, names))

    def read(self, name: str) -> Stored:
        """One rollout; raises NotFound when there is none of that name."""
        key = self._key(name)
        data, etag = self.storage.read_versioned(key)
        try:
            record = _Record.model_validate_json(data)
        except ValidationError as error:
            raise StorageError(f"{key}: damaged: not a rollout") from error
        return Stored(record.spec, record.status, record.requests, etag)

    def write_status(self, stored: Stored, status: RolloutStatus) -> Stored:
        """Put ``status`` in place of the stored one; raises Conflict when the record is no longer as ``stored``."""
        return self._replace(stored, _Record(spec=stored.spec, status=status, requests=stored.requests))

    def _write_requests(self, stored: Stored, requests: Requests) -> Stored:
        return self._replace(stored, _Record(spec=stored.spec, status=stored.status, requests=requests))

    def _replace(self, stored: Stored, record: _Record) -> Stored:
        """Write and read back.

        Raises:
            Conflict: another wrote before, or right after; nothing may be done in the name of this write then.
        """
        self.storage.replace(self._key(stored.spec.name), record.to_json(), stored.token)
        found = self.read(stored.spec.name)
        if (found.status, found.requests) != (record.status, record.requests):
            raise Conflict(f"{self._key(stored.spec.name)}: changed right after it was written; read it again")
        return found

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}{_SUFFIX}"
