"""Content digests, always written ``sha256:<64 hex digits>``."""

import hashlib
from collections.abc import Mapping

from clinical_ner.errors import ConfigError

_PREFIX = "sha256:"
_HEX_DIGITS = 64


def digest_of(data: bytes) -> str:
    """The digest of ``data``."""
    return _PREFIX + hashlib.sha256(data).hexdigest()


def digest_of_files(digests: Mapping[str, str]) -> str:
    """The digest over a set of files: each path with its own digest, in order of the paths."""
    listing = "".join(f"{path}\0{digests[path]}\n" for path in sorted(digests))
    return digest_of(listing.encode())


def hex_of(digest: str) -> str:
    """The hexadecimal part, as folder names use it.

    Raises:
        ConfigError: ``digest`` is not one.
    """
    value = digest.removeprefix(_PREFIX)
    if len(value) != _HEX_DIGITS or set(value) - set("0123456789abcdef"):
        raise ConfigError(f"{digest!r} is not a digest: 'sha256:' and 64 hex digits are expected")
    return value
