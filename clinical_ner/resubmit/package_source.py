"""Where the compiled training pipeline comes from: a file, or an object in a store."""

import os
from pathlib import Path

from clinical_ner.digests import digest_of, hex_of
from clinical_ner.errors import ConfigError, NotFound, StorageError
from clinical_ner.storage.objects import read_object


def local_package(package: str, folder: Path) -> Path:
    """The compiled pipeline as a file of this machine: the path itself, or a copy below ``folder`` of what lies at a URI.

    A path need not be there: only a submission needs it. The copy is named after its content.

    Raises:
        ConfigError: nothing lies at the URI, or it cannot be used.
        StorageError: the store or this disk failed.
    """
    if "://" not in package:
        return Path(package)
    try:
        data = read_object(package)
    except NotFound as error:
        raise ConfigError(f"training_package {package}: {_REMEDY}") from error
    path = folder.absolute() / f"{hex_of(digest_of(data))}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return path


def check_package(package: Path) -> None:
    """Refuse by a ConfigError, which says what to do, when there is no compiled pipeline."""
    if not package.is_file():
        raise ConfigError(f"training_package {package}, seen from {Path.cwd()}: {_REMEDY}")


_REMEDY = (
    "no compiled pipeline there. Put the file that `python -m pipelines compile` wrote where the step can read it: in a "
    "bucket, named by its s3:// URI, or in the step's image"
)
