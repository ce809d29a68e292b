"""The key of the log's hashes: whoever has it can tell whether a word or a text that he guesses was seen."""

from pathlib import Path

from pydantic import SecretStr

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.record import MIN_KEY_BYTES


def read_key(secret: SecretStr, path: Path | None) -> bytes:
    """The key, from its setting or its file; white space around it is not part of it. Empty when neither is given.

    Raises:
        ConfigError: it is given twice, too short, or its file cannot be read.
    """
    key = secret.get_secret_value().encode().strip()
    if path is not None:
        if key:
            raise ConfigError("inference_log_key and inference_log_key_file: give one of them")
        key = _read_file(path)
    if 0 < len(key) < MIN_KEY_BYTES or (not key and path is not None):
        raise ConfigError(f"the inference log's key has {len(key)} bytes; at least {MIN_KEY_BYTES} random ones are needed")
    return key


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"inference_log_key_file: {path}: {error.strerror}") from error
