"""Keys that mean the same in a file system and in an S3 bucket."""

import re

from clinical_ner.errors import ConfigError

# A leading dot is left to the stores' own files, which no listing shows.
_COMPONENT = re.compile(r"[A-Za-z0-9_=@+-][A-Za-z0-9_=@+.-]*", re.ASCII)


def check_key(key: str) -> str:
    """Return ``key``, components divided by single slashes.

    Raises:
        ConfigError: it is empty or absolute, or a component is empty, begins with a dot or holds another character than ASCII
            letters, digits and ``_ = @ + . -``.
    """
    if not all(_COMPONENT.fullmatch(component) for component in key.split("/")):
        raise ConfigError(
            f"{key!r} is not a key: components of ASCII letters, digits and _ = @ + . - are expected, none empty or beginning "
            f"with a dot, divided by single slashes"
        )
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix``, the beginning of a key or nothing.

    Raises:
        ConfigError: no key can begin with it.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix
