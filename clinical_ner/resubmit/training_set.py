"""The data of the next training: what the champion was trained on, with corrections, and never a note that judges models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clinical_ner.clock import Clock, utc_now
from clinical_ner.datasets import load_dataset, store_dataset
from clinical_ner.digests import digest_of
from clinical_ner.documents import Document, dump_documents
from clinical_ner.model_package import Manifest
from clinical_ner.resubmit.overlap import Footprint
from clinical_ner.resubmit.reviewed_notes import divide, has_strata, of_champion
from clinical_ner.splitting import SplitRule, split_documents, text_key
from clinical_ner.storage import Storage

READER = "resubmission"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Documents to train on, and two sets to judge on, each with its digest: the reference test set, which stays what it was,
    and the reviewed test notes that the champion answered.

    ``changed`` counts documents that the champion was not trained on in this form; ``held_out`` corrections that judge this or
    another version and never train; ``left_out`` the others whose text, id or patient is in the reference test set or among
    the held-out. ``sampled`` tells whether corrections came from review samples.
    """

    documents: tuple[Document, ...]
    test: tuple[Document, ...]
    reviewed: tuple[Document, ...]
    changed: int
    held_out: int
    left_out: int
    sampled: bool
    parents: tuple[str, ...]

    @property
    def digest(self) -> str:
        return digest_of(dump_documents(self.documents))

    @property
    def test_digest(self) -> str:
        return digest_of(dump_documents(self.test))

    @property
    def reviewed_digest(self) -> str:
        """Empty without reviewed test notes."""
        return digest_of(dump_documents(self.reviewed)) if self.reviewed else ""

    @property
    def reviewed_spans(self) -> int:
        """Gold entities in the reviewed test notes."""
        return sum(len(document.entities) for document in self.reviewed)

    def store(self, storage: Storage, clock: Clock = utc_now) -> None:
        """Store each as a dataset; those that are there already stay as they are."""
        champions, corrections = self.parents[:1], self.parents[1:]
        _store(storage, self.documents, "train", self.parents, clock)
        _store(storage, self.test, "test", champions, clock)
        if self.reviewed:
            _store(storage, self.reviewed, "reviewed-test", corrections, clock)


def _store(storage: Storage, documents: Sequence[Document], role: str, parents: Sequence[str], clock: Clock) -> None:
    store_dataset(storage, documents, reader=READER, parameters={"role": role}, parents=parents, clock=clock)


def build_training_set(storage: Storage, champion: Manifest, corrections: Sequence[str]) -> TrainingSet:
    """The champion's training dataset with the documents of the stored datasets ``corrections``, the later winning.

    A champion that split its test set off its corpus gets that part as a test set of its own, and the next one too: so both are
    judged on the same notes, and no correction can move into them or out of training. Of the corrections some are held out
    (:mod:`~clinical_ner.resubmit.reviewed_notes`) by the champion's seed, which a retrain inherits.

    Raises:
        NotFound: a dataset is gone.
        StorageError: a dataset's digest no longer matches.
    """
    train = champion.datasets["train"]
    documents = load_dataset(storage, train)
    test = _reference_test(storage, champion, documents)
    reference = Footprint.of(test)
    known = [document for document in documents if text_key(document.text) not in reference.texts]
    corrected = [document for digest in corrections for document in load_dataset(storage, digest)]
    usable = [document for document in corrected if not reference.meets(document)]
    held_out, new = divide(usable, known, int(champion.parameters.get("seed", 0)))
    merged = merge_corrections(known, new)
    before = {document.to_json() for document in known}
    return TrainingSet(
        documents=tuple(merged),
        test=tuple(test),
        reviewed=tuple(merge_corrections([], of_champion(held_out, champion))),
        changed=sum(document.to_json() not in before for document in merged),
        held_out=len(held_out),
        left_out=len(corrected) - len(held_out) - len(new),
        sampled=has_strata(corrected),
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
