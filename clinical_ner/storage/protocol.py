"""What every store can do."""

from typing import Protocol


class Storage(Protocol):
    """Objects under keys such as ``models/clinical-ner/v1/manifest.json`` (see :mod:`clinical_ner.storage.keys`).

    An object is visible whole or not at all, however its writer ends. Every method raises ``StorageError`` naming the key when
    the store fails, and ``ConfigError`` when the key is not one.
    """

    def read(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            NotFound: there is none.
        """
        ...

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        """The object's bytes and their etag, an opaque string to give to :meth:`replace`.

        Raises:
            NotFound: there is none.
        """
        ...

    def create(self, key: str, data: bytes) -> None:
        """Write a new object; of any number of concurrent callers exactly one succeeds.

        Raises:
            AlreadyExists: there is an object under the key, which is unchanged.
        """
        ...

    def write(self, key: str, data: bytes) -> None:
        """Write an object in place of whatever there is."""
        ...

    def replace(self, key: str, data: bytes, etag: str) -> None:
        """Write an object in place of the one with ``etag``; of concurrent callers with one etag exactly one succeeds.

        Raises:
            Conflict: the object is another by now, which is unchanged, or is gone.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object; none being there is no error."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is an object under exactly this key."""
        ...

    def list(self, prefix: str) -> list[str]:
        """The keys that begin with ``prefix``, a string that need not end at a slash, sorted; ``""`` lists all."""
        ...

    def uri(self, key: str) -> str:
        """Where the object, or the folder of objects, lies: a URI for people and for other programs."""
        ...
