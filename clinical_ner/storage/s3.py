"""A store in a bucket of an S3 server that has conditional writes, for any number of machines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from minio.error import S3Error
from minio.helpers import check_bucket_name
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, StorageError
from clinical_ner.settings import Settings
from clinical_ner.storage.keys import check_key, check_prefix
from clinical_ner.storage.s3_connection import S3Connection, connect
from clinical_ner.storage.s3_errors import S3_FAILURES, is_absent, is_precondition, is_transient, storage_error

# Between the attempts of one call; a bucket that stays away is reported after the last.
_PAUSES_SECONDS = (0.2, 1.0)

# Every write carries a number of its own, by which a writer whose reply was lost knows its object again.
_WRITER = "x-amz-meta-writer"


class S3Storage:
    """:class:`~clinical_ner.storage.Storage` over the objects of ``bucket`` whose names begin with ``prefix``.

    An object is sent in one request, which the server carries out whole or not at all. A request without a reply is repeated:
    under its condition the repetition does nothing when the first attempt did its work, which the object's writer number then
    shows. Undecidable remains a conditional write whose reply was lost and whose object another writer replaced before the
    repetition: it is reported as not done, although it was done and then replaced.
    """

    def __init__(self, connection: S3Connection, bucket: str, prefix: str = "") -> None:
        self._connection = connection
        self._client = connection.client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def read(self, key: str) -> bytes:
        return self.read_versioned(key)[0]

    def read_versioned(self, key: str) -> tuple[bytes, str]:
        name = self._name(key)
        with self._errors_named(key):
            for pause in _PAUSES_SECONDS:
                try:
                    return self._get(name)
                except (ProtocolError, ReadTimeoutError):
                    # The client repeats requests, not what breaks off in the body.
                    time.sleep(pause)
            return self._get(name)

    def create(self, key: str, data: bytes) -> None:
        self._put(key, data, {"If-None-Match": "*"}, AlreadyExists(f"{key}: exists already"))

    def write(self, key: str, data: bytes) -> None:
        self._put(key, data, {}, StorageError(f"{key}: the server refused an unconditional write"))

    def replace(self, key: str, data: bytes, etag: str) -> None:
        refusal = Conflict(f"{key}: changed or deleted since it was read; read it again")
        self._put(key, data, {"If-Match": etag}, refusal)

    def delete(self, key: str) -> None:
        name = self._name(key)
        with self._errors_named(key):
            try:
                self._client.remove_object(self._bucket, name)
            except S3Error as error:
                if not is_absent(error):
                    raise

    def exists(self, key: str) -> bool:
        name = self._name(key)
        with self._errors_named(key):
            return self._headers(name) is not None

    def list(self, prefix: str) -> list[str]:
        start = self._prefix + check_prefix(prefix)
        with self._errors_named(prefix or "/"):
            objects = self._client.list_objects(self._bucket, prefix=start, recursive=True)
            keys = [str(entry.object_name).removeprefix(self._prefix) for entry in objects]
        return sorted(key for key in keys if not key.endswith("/") and not any(part.startswith(".") for part in key.split("/")))

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._name(key)}"

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _get(self, name: str) -> tuple[bytes, str]:
        with self._client.get_object(self._bucket, name) as response:
            return response.read(), response.headers.get("etag", "")

    def _headers(self, name: str) -> dict[str, str] | None:
        try:
            metadata = self._client.stat_object(self._bucket, name).metadata or {}
        except S3Error as error:
            self._explain(name)
            if not is_absent(error):
                raise
            return None
        return {header.lower(): str(value) for header, value in metadata.items()}

    def _explain(self, name: str) -> None:
        # The reply to HEAD has no body to say whether the bucket is missing, or why access is denied; a listing's has.
        next(iter(self._client.list_objects(self._bucket, prefix=name)), None)

    def _put(self, key: str, data: bytes, condition: dict[str, str], refusal: StorageError) -> None:
        name, headers = self._name(key), {**condition, _WRITER: uuid4().hex}
        with self._errors_named(key):
            failure = self._try_to_put(name, data, headers)
            for pause in _PAUSES_SECONDS:
                if not (failure and is_transient(failure)):
                    break
                time.sleep(pause)
                failure = self._try_to_put(name, data, headers)
                if is_precondition(failure) and self._is_mine(name, headers):
                    return
            if is_precondition(failure):
                raise refusal from failure
            if failure:
                raise failure

    def _try_to_put(self, name: str, data: bytes, headers: dict[str, str]) -> Exception | None:
        try:
            self._connection.put(self._bucket, name, data, headers)
        except S3_FAILURES as failure:
            return failure
        return None

    def _is_mine(self, name: str, headers: dict[str, str]) -> bool:
        return (self._headers(name) or {}).get(_WRITER) == headers[_WRITER]

    @contextmanager
    def _errors_named(self, key: str) -> Iterator[None]:
        try:
            yield
        except S3_FAILURES as error:
            raise storage_error(error, key=key, bucket=self._bucket, host=self._connection.host) from error


def open_s3(uri: str, settings: Settings) -> S3Storage:
    """The store at ``s3://bucket/prefix`` of the server that the settings name. Nothing is sent yet.

    Raises:
        ConfigError: the bucket's name or the prefix breaks the rules, or the settings are incomplete.
    """
    bucket, _, prefix = uri.partition("://")[2].partition("/")
    try:
        check_bucket_name(bucket, strict=True)
    except ValueError:
        # The client's words repeat what may hold credentials.
        raise ConfigError(
            "storage s3://BUCKET/PREFIX: a bucket's name has 3 to 63 characters, lower-case letters, digits, dots and hyphens, "
            "and no credentials, port or query go with it"
        ) from None
    prefix = prefix.removesuffix("/")
    return S3Storage(connect(settings), bucket, check_key(prefix) if prefix else "")
