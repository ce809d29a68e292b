"""Term lists: where they are read from, and the gazetteer made of them, kept under its digest.

::

    gazetteers/<64 hex digits>.json   a :class:`~clinical_ner.gazetteer.Gazetteer`; the digest is taken over these bytes

What a list says at its URI may change; a model and its tuning go by the digest. ``gazetteer://<digest>`` names a kept one, as
``dataset://<digest>`` a dataset.
"""

import csv
from collections.abc import Iterable, Sequence

from clinical_ner.digests import digest_of, hex_of
from clinical_ner.errors import AlreadyExists, ConfigError, DataError, StorageError
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.storage import Storage
from clinical_ner.storage.objects import read_object

GAZETTEER_URI = "gazetteer://"
_TERM_COLUMNS = ("term", "label", "name")


def read_gazetteer(gazetteer_uris: str, storage: Storage) -> Gazetteer:
    """Read the pipeline parameter: ``CLASS=URI`` entries divided by commas; ``""`` is the empty gazetteer.

    A list is UTF-8 text with a term a line; or tab-separated, with a heading line and the terms in the column ``term``,
    ``label`` or ``name``. Lists of one class are joined. An entry may also be ``gazetteer://<digest>``, which
    :func:`store_gazetteer` kept in ``storage``; alone, it is read as it was kept, to the digest.

    Raises:
        ConfigError: an entry is not of that form.
        DataError: a list is not UTF-8, is empty, or has columns of other names.
        NotFound: there is no such file or gazetteer.
    """
    entries = [part.strip() for part in gazetteer_uris.split(",") if part.strip()]
    kept = [load_gazetteer(storage, parse_gazetteer_uri(entry)) for entry in entries if entry.startswith(GAZETTEER_URI)]
    lists = _read_lists(entry for entry in entries if not entry.startswith(GAZETTEER_URI))
    return _join([*kept, Gazetteer.from_terms(lists)])


def gazetteer_uri(digest: str) -> str:
    """``gazetteer://sha256:<64 hex digits>``; ``""``, which :func:`store_gazetteer` returns for an empty one, stays so."""
    return f"{GAZETTEER_URI}sha256:{hex_of(digest)}" if digest else ""


def parse_gazetteer_uri(uri: str) -> str:
    """The digest in ``gazetteer://<digest>``; raises ConfigError when it holds none."""
    return "sha256:" + hex_of(uri.removeprefix(GAZETTEER_URI))


def _read_lists(entries: Iterable[str]) -> dict[str, list[str]]:
    terms: dict[str, list[str]] = {}
    for entry in entries:
        name, _, uri = (part.strip() for part in entry.partition("="))
        if not name or not uri:
            raise ConfigError(f"gazetteer_uris: {entry!r} is not of the form CLASS=URI or {GAZETTEER_URI}DIGEST")
        terms.setdefault(name, []).extend(_parse_terms(read_object(uri), uri))
    return terms


def _join(gazetteers: Sequence[Gazetteer]) -> Gazetteer:
    classes = sorted({name for each in gazetteers for name in each.terms})
    terms = {name: {term for each in gazetteers for term in each.terms.get(name, ())} for name in classes}
    return Gazetteer({name: sorted(terms[name]) for name in classes})


def store_gazetteer(storage: Storage, gazetteer: Gazetteer) -> str:
    """Keep a gazetteer and return its digest; an empty one is not kept, and has the digest ``""``."""
    if not gazetteer.terms:
        return ""
    data = gazetteer.to_json()
    digest = digest_of(data)
    try:
        storage.create(_key(digest), data)
    except AlreadyExists:
        load_gazetteer(storage, digest)
    return digest


def load_gazetteer(storage: Storage, digest: str) -> Gazetteer:
    """The gazetteer that :func:`store_gazetteer` kept, verified; ``""`` is the empty one.

    Raises:
        NotFound: there is none of this digest.
        StorageError: it changed since it was stored.
    """
    if not digest:
        return EMPTY
    data = storage.read(_key(digest))
    if digest_of(data) != digest:
        raise StorageError(f"{_key(digest)}: the digest no longer matches: the terms were changed")
    return Gazetteer.from_json(data)


def _key(digest: str) -> str:
    return f"gazetteers/{hex_of(digest)}.json"


def _parse_terms(data: bytes, uri: str) -> list[str]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{uri}: not UTF-8 at byte {error.start}") from None
    if not lines or "\t" not in lines[0]:
        terms = [line.strip() for line in lines]
    else:
        rows = csv.DictReader(lines, delimiter="\t")
        column = next((column for column in _TERM_COLUMNS if column in (rows.fieldnames or ())), None)
        if column is None:
            raise DataError(f"{uri}: tab-separated, but no column is named {', '.join(_TERM_COLUMNS)}")
        terms = [(row[column] or "").strip() for row in rows]
    if not any(terms):
        raise DataError(f"{uri}: no term in it")
    return [term for term in terms if term]
