"""A lock in storage with an end: whoever dies while holding it keeps the others out no longer than the lease."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import AlreadyExists, Conflict, NotFound, StorageError
from clinical_ner.storage import Storage

LEASE_SECONDS = 30 * 60.0
"""Longer than a submission with all its time-outs, some 15 minutes: nobody takes over while the holder may be posting."""


class Holding(BaseModel):
    """The lock's object. ``token`` grows with every holder (a fence); without ``expires`` nobody holds it."""

    model_config = ConfigDict(frozen=True)

    token: int
    owner: str
    expires: AwareDatetime | None = None
    lease_seconds: float

    def is_held(self, now: datetime) -> bool:
        """A lease that ends later than a lease lasts was written by a clock that has since gone back: it counts as over."""
        return self.expires is not None and now < self.expires <= now + timedelta(seconds=2 * self.lease_seconds)

    def to_json(self) -> bytes:
        return self.model_dump_json(indent=2).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class StoredLock:
    """The lock at ``key``, as ``owner`` asks for it."""

    storage: Storage
    key: str
    owner: str
    clock: Clock = utc_now
    lease_seconds: float = LEASE_SECONDS

    @contextmanager
    def holding(self) -> Iterator["Lease | None"]:
        """Hold the lock for the block; None when another does. It is given back however the block ends, except by a kill."""
        lease = self._acquire()
        try:
            yield lease
        finally:
            if lease:
                lease.release()

    def describe(self) -> str:
        """Who holds it until when, in words."""
        found = self.read()
        if found is None or found[0].expires is None:
            return "nobody holds the lock any more"
        return f"{found[0].owner} holds the lock until {found[0].expires:%Y-%m-%d %H:%M:%S} UTC at the latest"

    def read(self) -> tuple[Holding, str] | None:
        """The lock's object and etag; None before its first holder."""
        try:
            data, etag = self.storage.read_versioned(self.key)
            return Holding.model_validate_json(data), etag
        except NotFound:
            return None
        except ValidationError as error:
            raise StorageError(f"{self.key}: damaged: not a lock; remove it when no monitor runs") from error

    def claim(self, token: int) -> Holding:
        """The lock's object when held under ``token`` from now on."""
        expires = self.clock() + timedelta(seconds=self.lease_seconds)
        return Holding(token=token, owner=self.owner, expires=expires, lease_seconds=self.lease_seconds)

    def _acquire(self) -> "Lease | None":
        found = self.read()
        if found and found[0].is_held(self.clock()):
            return None
        token = found[0].token + 1 if found else 1
        try:
            if found:
                self.storage.replace(self.key, self.claim(token).to_json(), found[1])
            else:
                self.storage.create(self.key, self.claim(token).to_json())
        except (AlreadyExists, Conflict):
            return None
        return Lease(self, token)


@dataclass(frozen=True, slots=True)
class Lease:
    """The lock, held under ``token``."""

    lock: StoredLock
    token: int

    def renew(self) -> None:
        """Hold it for a whole lease from now.

        Raises:
            Conflict: it ended and another took it; what was to be done under it must not be done.
        """
        etag = self._etag()
        if etag is None:
            raise Conflict(f"{self.lock.key}: this holder's lease ended and another took over")
        self.lock.storage.replace(self.lock.key, self.lock.claim(self.token).to_json(), etag)

    def release(self) -> None:
        """Give it back; nothing happens when another has it by now, or when the store fails: the lease ends by itself."""
        try:
            etag = self._etag()
            if etag is not None:
                free = self.lock.claim(self.token).model_copy(update={"expires": None})
                self.lock.storage.replace(self.lock.key, free.to_json(), etag)
        except StorageError:
            return

    def _etag(self) -> str | None:
        found = self.lock.read()
        return found[1] if found and found[0].token == self.token else None
