"""Immutable datasets under their digest.

::

    datasets/<64 hex digits>/documents.jsonl   canonical JSON Lines; the digest is taken over these bytes
    datasets/<64 hex digits>/dataset.json      a StoredDataset; written last, a folder without it is no dataset

They hold note text, which is protected health information.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from clinical_ner.clock import Clock, utc_now
from clinical_ner.digests import digest_of, hex_of
from clinical_ner.documents import Document, dump_documents, load_documents
from clinical_ner.errors import AlreadyExists, ConfigError, NotFound, StorageError
from clinical_ner.storage import Storage

URI_PREFIX = "dataset://"
_FOLDER = "datasets/"
_DOCUMENTS = "documents.jsonl"
_DESCRIPTION = "dataset.json"


class StoredDataset(BaseModel):
    """A stored dataset without its text. ``characters`` are code points; ``parents`` are digests of what it was made from."""

    model_config = ConfigDict(frozen=True)

    digest: str
    created_at: AwareDatetime
    reader: str
    parameters: dict[str, str]
    parents: tuple[str, ...]
    documents: int
    groups: int
    characters: int
    entities: dict[str, int]
    sites: dict[str, int]
    specialties: dict[str, int]

    @property
    def uri(self) -> str:
        return dataset_uri(self.digest)

    def to_json(self) -> bytes:
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=options)


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """Ids of documents by what became of them from one dataset to another, sorted, and entities per label in both."""

    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    labels: Mapping[str, tuple[int, int]]


def dataset_uri(digest: str) -> str:
    """``dataset://sha256:<64 hex digits>``; raises ConfigError when ``digest`` is not one."""
    return f"{URI_PREFIX}sha256:{hex_of(digest)}"


def is_dataset_uri(uri: str) -> bool:
    """Whether ``uri`` names a stored dataset rather than files."""
    return uri.startswith(URI_PREFIX)


def parse_dataset_uri(uri: str) -> str:
    """The digest in ``dataset://<digest>``, with ``sha256:`` whether or not the URI has it.

    Raises:
        ConfigError: ``uri`` is not of this form.
    """
    if not is_dataset_uri(uri):
        raise ConfigError(f"{uri!r} is not a dataset URI: {URI_PREFIX}<digest> is expected")
    return "sha256:" + hex_of(uri.removeprefix(URI_PREFIX))


def store_dataset(
    storage: Storage,
    documents: Sequence[Document],
    *,
    reader: str,
    parameters: Mapping[str, str],
    parents: Sequence[str] = (),
    clock: Clock = utc_now,
) -> StoredDataset:
    """Store documents, in the given order, and say what they are; a dataset that is there already stays as it is.

    ``reader`` and ``parameters`` tell how they were read; like ``parents`` and the time they are not part of the digest, and
    whoever stores a dataset first decides them.
    """
    data = dump_documents(documents)
    dataset = StoredDataset(
        digest=digest_of(data),
        created_at=clock(),
        reader=reader,
        parameters=dict(parameters),
        parents=tuple(parents),
        **_counts(documents),
    )
    try:
        storage.create(_key(dataset.digest, _DOCUMENTS), data)
    except AlreadyExists:
        _read_verified(storage, dataset.digest)
    try:
        storage.create(_key(dataset.digest, _DESCRIPTION), dataset.to_json())
    except AlreadyExists:
        return describe_dataset(storage, dataset.digest)
    return dataset


def load_dataset(storage: Storage, digest: str) -> list[Document]:
    """The documents of a stored dataset, in their order, verified.

    Raises:
        NotFound: there is no such dataset.
        StorageError: its documents changed since they were stored.
    """
    describe_dataset(storage, digest)
    return load_documents(_read_verified(storage, digest))


def describe_dataset(storage: Storage, digest: str) -> StoredDataset:
    """What is known of a stored dataset; no text is read.

    Raises:
        NotFound: there is no such dataset, or its writer ended before it was complete.
        StorageError: its description is damaged.
    """
    key = _key(digest, _DESCRIPTION)
    try:
        return StoredDataset.model_validate_json(storage.read(key))
    except NotFound as error:
        raise NotFound(f"{key}: no complete dataset there") from error
    except ValidationError as error:
        raise StorageError(f"{key}: damaged: not the description of a dataset") from error


def list_datasets(storage: Storage) -> list[StoredDataset]:
    """All complete datasets, oldest first."""
    datasets = [describe_dataset(storage, digest) for digest in _digests(storage)]
    return sorted(datasets, key=lambda dataset: (dataset.created_at, dataset.digest))


def find_dataset(storage: Storage, text: str) -> StoredDataset:
    """The dataset that ``text`` names: a digest, a dataset URI, or the first few digits where one dataset has them.

    Raises:
        NotFound: no dataset, or more than one, begins with it.
    """
    start = text.removeprefix(URI_PREFIX).removeprefix("sha256:")
    found = [digest for digest in _digests(storage) if digest.removeprefix("sha256:").startswith(start)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} datasets have a digest that begins with {start!r}; one is expected")
    return describe_dataset(storage, found[0])


def diff_datasets(first: Iterable[Document], second: Iterable[Document]) -> DatasetDiff:
    """Compare two datasets document by document: changed are those of one id whose text, entities or metadata differ."""
    before = {document.id: document for document in first}
    after = {document.id: document for document in second}
    both = before.keys() & after.keys()
    changed = sorted(name for name in both if before[name].to_json() != after[name].to_json())
    labels = (_label_counts(before.values()), _label_counts(after.values()))
    return DatasetDiff(
        only_first=tuple(sorted(before.keys() - both)),
        only_second=tuple(sorted(after.keys() - both)),
        changed=tuple(changed),
        unchanged=len(both) - len(changed),
        labels={label: (labels[0][label], labels[1][label]) for label in sorted(labels[0] | labels[1])},
    )


def _key(digest: str, name: str) -> str:
    return f"{_FOLDER}{hex_of(digest)}/{name}"


def _digests(storage: Storage) -> list[str]:
    suffix = f"/{_DESCRIPTION}"
    keys = (key.removeprefix(_FOLDER) for key in storage.list(_FOLDER) if key.endswith(suffix))
    return [f"sha256:{key.removesuffix(suffix)}" for key in keys]


def _read_verified(storage: Storage, digest: str) -> bytes:
    data = storage.read(_key(digest, _DOCUMENTS))
    if hex_of(digest_of(data)) != hex_of(digest):
        raise StorageError(f"{_key(digest, _DOCUMENTS)}: the dataset's digest no longer matches: its documents were changed")
    return data


def _label_counts(documents: Iterable[Document]) -> Counter[str]:
    return Counter(entity.label for document in documents for entity in document.entities)


def _counts(documents: Sequence[Document]) -> dict[str, int | dict[str, int]]:
    return {
        "documents": len(documents),
        "groups": len({document.group for document in documents}),
        "characters": sum(len(document.text) for document in documents),
        "entities": dict(_label_counts(documents)),
        "sites": _metadata_counts(documents, "site"),
        "specialties": _metadata_counts(documents, "specialty"),
    }


def _metadata_counts(documents: Iterable[Document], name: str) -> dict[str, int]:
    return dict(Counter(document.metadata[name] for document in documents if name in document.metadata))
