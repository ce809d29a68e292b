"""From a corpus URI to the files or folders that a reader takes."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clinical_ner.errors import ConfigError, DataError


def resolve_uri(uri: str, suffixes: Sequence[str]) -> list[Path]:
    """The paths that a reader reads, in order.

    Args:
        uri: a path or ``file://`` URI of a file or folder, or several divided by commas (a comma in a path has to be
            written ``%2C`` in a ``file://`` URI).
        suffixes: which files of a folder are the corpus, sorted by name; its subfolders are not looked into. With no
            suffixes the reader takes folders as they are.

    Raises:
        ConfigError: the URI is empty, of a scheme that is not read here, or names a path twice.
        DataError: there is no such file or folder, or the folder holds no file of these suffixes.
    """
    parts = [part.strip() for part in uri.split(",") if part.strip()]
    if not parts:
        raise ConfigError("corpus_uri: empty; give a path or file:// URI, or several divided by commas")
    paths = [path for part in parts for path in _expand(_local_path(part), suffixes)]
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise ConfigError(f"corpus_uri: {path} is named twice")
        seen.add(path.resolve())
    return paths


def _local_path(part: str) -> Path:
    if "://" not in part:
        return Path(part)
    address = urlsplit(part)
    if address.scheme != "file":
        raise ConfigError(f"corpus_uri: {address.scheme}:// is not read here; give a path, a file:// or an s3:// URI")
    if address.netloc not in {"", "localhost"}:
        raise ConfigError(f"corpus_uri: file://{address.netloc}/... names another host; write file:///...")
    return Path(unquote(address.path))


def _expand(path: Path, suffixes: Sequence[str]) -> list[Path]:
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if not suffixes or not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and file.suffix in suffixes)
    if not files:
        raise DataError(f"{path}: no file of this format in the folder (names ending in {' '.join(suffixes)})")
    return files
