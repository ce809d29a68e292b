"""Files that commands write."""

import os
from contextlib import suppress
from pathlib import Path

from clinical_ner.errors import ConfigError


def write_private(option: str, path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, which ``option`` named: whole or not at all, and its owner's only: notes stand in it.

    Raises:
        ConfigError: it cannot be written there; the message names the option and the system's reason.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{option} {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
