"""The corpus URI of synthetic notes: ``synthetic://?notes=200&seed=0&shift=new_diseases,new_site=0.5``."""

from urllib.parse import parse_qsl, urlsplit

from clinical_ner.corpora.synthetic.notes import synthesize
from clinical_ner.corpora.synthetic.shift import Shift
from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError

SCHEME = "synthetic"
DEFAULTS = {"notes": "600", "seed": "0", "shift": ""}


def read_synthetic(uri: str) -> list[Document]:
    """The documents that a ``synthetic://`` URI describes; every key is optional (:data:`DEFAULTS`).

    Raises:
        ConfigError: another scheme, something between ``//`` and ``?``, a key that is unknown or given twice, or a value that
            is not a whole number or no shift. The message names the key.
    """
    parameters = DEFAULTS | _parse_query(uri)
    notes, seed = (_parse_count(key, parameters[key]) for key in ("notes", "seed"))
    return synthesize(notes, seed=seed, shift=Shift.parse(parameters["shift"]))


def _parse_query(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    if parts.scheme != SCHEME or parts.netloc or parts.path.strip("/") or parts.fragment:
        raise ConfigError(f"corpus_uri: {uri!r} is not of the form synthetic://?notes=200&seed=0&shift=new_diseases")
    parameters: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in DEFAULTS:
            raise ConfigError(f"corpus_uri: unknown key {key!r} of a synthetic corpus; the keys are {', '.join(DEFAULTS)}")
        if key in parameters:
            raise ConfigError(f"corpus_uri: {key} is given twice")
        parameters[key] = value
    return parameters


def _parse_count(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"corpus_uri: {key}={value!r} is not a whole number, 0 or more")
    return int(value)
