"""All corrections of a model as a dataset: each addition makes a new one, whose parent is the one before.

``corrections/<model>/current.json`` names the newest; it is changed by compare-and-swap, so that of two additions at once
neither is lost. The datasets hold de-identified text, which is guarded as protected health information.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from clinical_ner.clock import Clock, utc_now
from clinical_ner.datasets import StoredDataset, describe_dataset, load_dataset, store_dataset
from clinical_ner.documents import Document
from clinical_ner.errors import AlreadyExists, Conflict, DataError, NotFound, StorageError
from clinical_ner.model_versions import check_name
from clinical_ner.storage import Storage

READER = "feedback"
_ATTEMPTS = 20
_LISTED = 5


@dataclass(frozen=True, slots=True)
class AddedCorrections:
    """``dataset`` is the current one after the call; ``unchanged`` were in it before with the same entities."""

    dataset: StoredDataset
    added: int
    replaced: int
    unchanged: int


def current_corrections(storage: Storage, model: str) -> StoredDataset | None:
    """The newest dataset of a model's corrections, all of them; None before the first.

    Raises:
        StorageError: it, or the object that names it, is damaged or gone.
    """
    digest = _read_pointer(storage, model)[0]
    return describe_dataset(storage, digest) if digest else None


def load_corrections(storage: Storage, model: str) -> list[Document]:
    """All corrections of a model, by record id; none before the first. Raises as :func:`current_corrections`."""
    digest = _read_pointer(storage, model)[0]
    return load_dataset(storage, digest) if digest else []


def add_corrections(
    storage: Storage, model: str, corrections: Sequence[Document], *, replace: bool = False, clock: Clock = utc_now
) -> AddedCorrections:
    """Add corrections to a model's; the same ones again change nothing.

    Raises:
        DataError: there are none, or some were corrected otherwise before and ``replace`` is false. Nothing is stored then.
        Conflict: others changed the corrections all the time.
        StorageError: the store refused, or what it holds is damaged.
    """
    if not corrections:
        raise DataError("no corrections to add")
    for _ in range(_ATTEMPTS):
        digest, etag = _read_pointer(storage, model)
        before = {document.id: document for document in load_dataset(storage, digest)} if digest else {}
        merged, counts = _merge(before, corrections, replace=replace)
        if digest and not counts["added"] and not counts["replaced"]:
            return AddedCorrections(describe_dataset(storage, digest), **counts)
        documents = [merged[name] for name in sorted(merged)]
        parents = (digest,) if digest else ()
        dataset = store_dataset(storage, documents, reader=READER, parameters={"model": model}, parents=parents, clock=clock)
        if _swap(storage, _key(model), dataset.digest, etag):
            return AddedCorrections(dataset, **counts)
    raise Conflict(f"{_key(model)}: changed by others {_ATTEMPTS} times in a row; try again")


def _merge(
    before: Mapping[str, Document], corrections: Sequence[Document], *, replace: bool
) -> tuple[dict[str, Document], dict[str, int]]:
    changed = [each for each in corrections if each.id in before and before[each.id].entities != each.entities]
    added = [each for each in corrections if each.id not in before]
    if changed and not replace:
        listed = ", ".join(each.id for each in changed[:_LISTED])
        raise DataError(
            f"{len(changed)} of {len(corrections)} notes were corrected otherwise before, the first of them {listed}; "
            f"leave them out, or replace the earlier corrections (--replace)"
        )
    merged = {**before, **{each.id: each for each in [*added, *changed]}}
    unchanged = len(corrections) - len(added) - len(changed)
    return merged, {"added": len(added), "replaced": len(changed), "unchanged": unchanged}


def _key(model: str) -> str:
    return f"corrections/{check_name(model)}/current.json"


def _read_pointer(storage: Storage, model: str) -> tuple[str, str | None]:
    try:
        data, etag = storage.read_versioned(_key(model))
    except NotFound:
        return "", None
    try:
        return str(orjson.loads(data)["digest"]), etag
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise StorageError(f"{_key(model)}: damaged: it does not name a dataset") from error


def _swap(storage: Storage, key: str, digest: str, etag: str | None) -> bool:
    data = orjson.dumps({"digest": digest}, option=orjson.OPT_APPEND_NEWLINE)
    try:
        if etag is None:
            storage.create(key, data)
        else:
            storage.replace(key, data, etag)
    except (AlreadyExists, Conflict):
        return False
    return True
