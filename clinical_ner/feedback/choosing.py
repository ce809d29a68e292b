"""Which corrections a monitoring run goes by: those of the moment, a dataset that was named, or none."""

from collections.abc import Iterable

from clinical_ner.datasets import load_dataset, parse_dataset_uri
from clinical_ner.documents import Document
from clinical_ner.feedback.corrections import current_corrections
from clinical_ner.review.sampling import Stratum
from clinical_ner.storage import Storage

NONE = "none"


def choose_corrections(storage: Storage, model: str, uri: str) -> str:
    """The digest of the dataset that ``uri`` stands for; ``""`` for none.

    An empty ``uri`` stands for the model's current corrections: the answer changes whenever some are added, so it is asked for
    once a run.

    Raises:
        ConfigError: ``uri`` is neither empty, nor ``none``, nor ``dataset://DIGEST``.
        StorageError: the store failed, or what names the current corrections is damaged.
    """
    if uri == NONE:
        return ""
    if uri:
        return parse_dataset_uri(uri)
    current = current_corrections(storage, model)
    return current.digest if current else ""


def load_reviewed(storage: Storage, uri: str, current: str) -> list[Document]:
    """Reviewed notes that stand for all notes: the dataset of ``uri``, or the uniform stratum of that with digest ``current``.

    Raises:
        ConfigError: as :func:`choose_corrections`.
        NotFound: there is no such dataset.
    """
    if uri == NONE:
        return []
    if uri:
        return load_dataset(storage, parse_dataset_uri(uri))
    return uniform(load_dataset(storage, current)) if current else []


def uniform(corrections: Iterable[Document]) -> list[Document]:
    """The corrections of the uniform stratum."""
    return [note for note in corrections if note.metadata.get("stratum") == Stratum.UNIFORM]
