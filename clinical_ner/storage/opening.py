"""From a URI to its store."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clinical_ner.errors import ConfigError
from clinical_ner.settings import Settings
from clinical_ner.storage.filesystem import FileStorage
from clinical_ner.storage.protocol import Storage


def open_storage(uri: str) -> Storage:
    """The store at ``uri``: a path, ``file:///an/absolute/path``, or ``s3://bucket/prefix``. Nothing is read or written yet.

    Raises:
        ConfigError: the scheme is unknown, the URI names no absolute path or no bucket, or settings for S3 are missing.
    """
    if "://" not in uri:
        return _open_folder(uri)
    scheme = uri.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise ConfigError(f"storage {uri!r}: unknown scheme {scheme!r}; known are a plain path and {', '.join(_SCHEMES)}")
    return _SCHEMES[scheme](uri)


def path_of(uri: str) -> Path:
    """The path on this machine that ``uri`` names: itself, or ``file:///an/absolute/path``, in which %20 is a blank.

    Raises:
        ConfigError: it is a URI of another scheme or host, or holds no path.
    """
    parts = urlsplit(uri) if "://" in uri else None
    if parts is None and uri and not uri.startswith("file:"):
        return Path(uri)
    if parts is None or parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise ConfigError(f"{uri!r} names nothing on this machine: a path or file:///an/absolute/path is expected")
    if parts.query or parts.fragment:
        raise ConfigError(f"{uri!r}: file:///an/absolute/path is expected; escape # and ? (as %23 and %3F)")
    return Path(unquote(parts.path))


def _open_folder(uri: str) -> Storage:
    return FileStorage(path_of(uri))


def _open_s3_uri(uri: str) -> Storage:
    from clinical_ner.storage.s3 import open_s3  # the client takes a while to import

    return open_s3(uri, Settings())


_SCHEMES: Mapping[str, Callable[[str], Storage]] = {"file": _open_folder, "s3": _open_s3_uri}
