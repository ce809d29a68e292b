"""The data of the next training: what the champion was trained on, with corrections, and never the reference test set."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from clinical_ner.clock import Clock, utc_now
from clinical_ner.datasets import load_dataset, store_dataset
from clinical_ner.digests import digest_of
from clinical_ner.documents import Document, dump_documents
from clinical_ner.model_package import Manifest
from clinical_ner.splitting import SplitRule, split_documents, text_key
from clinical_ner.storage import Storage

READER = "resubmission"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Documents to train on, and the reference test set that stays what it was, each with its digest.

    ``changed`` counts documents that the champion was not trained on in this form; ``left_out`` corrections whose text, id or
    patient is in the reference test set.
    """

    documents: tuple[Document, ...]
    test: tuple[Document, ...]
    changed: int
    left_out: int
    parents: tuple[str, ...]

    @property
    def digest(self) -> str:
        return digest_of(dump_documents(self.documents))

    @property
    def test_digest(self) -> str:
        return digest_of(dump_documents(self.test))

    def store(self, storage: Storage, clock: Clock = utc_now) -> None:
        """Store both as datasets; those that are there already stay as they are."""
        for documents, role in ((self.documents, "train"), (self.test, "test")):
            parents = self.parents if role == "train" else self.parents[:1]
            store_dataset(storage, documents, reader=READER, parameters={"role": role}, parents=parents, clock=clock)


def build_training_set(storage: Storage, champion: Manifest, corrections: Sequence[str]) -> TrainingSet:
    """The champion's training dataset with the documents of the stored datasets ``corrections``, the later winning.

    A champion that split its test set off its corpus gets that part as a test set of its own, and the next one too: so both are
    judged on the same notes, and no correction can move into them or out of training.

    Raises:
        NotFound: a dataset is gone.
        StorageError: a dataset's digest no longer matches.
    """
    train = champion.datasets["train"]
    documents = load_dataset(storage, train)
    test = _reference_test(storage, champion, documents)
    held = _Held.of(test)
    known = [document for document in documents if text_key(document.text) not in held.texts]
    corrected = [document for digest in corrections for document in load_dataset(storage, digest)]
    usable = [document for document in corrected if not _overlaps(document, held)]
    merged = merge_corrections(known, usable)
    before = {document.to_json() for document in known}
    return TrainingSet(
        documents=tuple(merged),
        test=tuple(test),
        changed=sum(document.to_json() not in before for document in merged),
        left_out=len(corrected) - len(usable),
        parents=(train, *corrections),
    )


def merge_corrections(documents: Sequence[Document], corrections: Iterable[Document]) -> list[Document]:
    """``documents`` in their order, corrected ones in place, then the new ones by id.

    A correction takes the place of the document with its id, or of every document with its text, which keeps its id and
    metadata, so that no patient moves between training and development. Of corrections with one id or one text the last wins.
    """
    by_text = {text_key(each.text): each for each in {each.id: each for each in corrections}.values()}
    latest = {document.id: document for document in by_text.values()}
    merged, used = [], set[str]()
    for document in documents:
        correction = latest.get(document.id) or by_text.get(text_key(document.text))
        if correction:
            used.add(text_key(correction.text))
        merged.append(_corrected(document, correction) if correction else document)
    new = (document for key, document in by_text.items() if key not in used)
    return [*merged, *sorted(new, key=lambda document: document.id)]


def _corrected(document: Document, correction: Document) -> Document:
    if (document.text, document.entities) == (correction.text, correction.entities):
        return document
    return replace(correction, id=document.id, metadata={**correction.metadata, **document.metadata})


def _reference_test(storage: Storage, champion: Manifest, documents: Sequence[Document]) -> list[Document]:
    if "test" in champion.datasets:
        return load_dataset(storage, champion.datasets["test"])
    rule = SplitRule(**{name: champion.parameters[name] for name in SplitRule.model_fields})
    return split_documents(documents, rule).test


@dataclass(frozen=True, slots=True)
class _Held:
    """What must not enter training."""

    texts: AbstractSet[str]
    ids: AbstractSet[str]
    patients: AbstractSet[str]

    @classmethod
    def of(cls, test: Iterable[Document]) -> "_Held":
        documents = list(test)
        return cls(
            texts={text_key(document.text) for document in documents},
            ids={document.id for document in documents},
            patients={document.group for document in documents},
        )


def _overlaps(document: Document, held: _Held) -> bool:
    return text_key(document.text) in held.texts or document.id in held.ids or document.group in held.patients
