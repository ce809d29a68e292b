"""Datasets in, labelled sentences and test documents out."""

from collections.abc import Sequence

import structlog

from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.stages.artifacts import PathLike, write_documents, write_gazetteer, write_sentences
from clinical_ner.storage import open_storage
from clinical_ner.term_lists import load_gazetteer
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import LabelledSentence, label_document

_log = structlog.get_logger()


def preprocess(
    *,
    dataset_digest: str,
    test_dataset_digest: str,
    gazetteer_digest: str,
    registry_uri: str,
    rule: SplitRule,
    train_path: PathLike,
    dev_path: PathLike,
    test_path: PathLike,
    gazetteer_path: PathLike,
) -> dict[str, int]:
    """Split by patient, tokenize and label; the test documents stay as they are, gold spans at their own offsets.

    The gazetteer that ingest stored, or an empty one, is handed on to training.

    Returns counts for the run's metrics: documents and sentences of each part, duplicates left out, unalignable spans.

    Raises:
        TooLittleData: the corpus is too small to split.
    """
    storage = open_storage(registry_uri)
    test = load_dataset(storage, test_dataset_digest) if test_dataset_digest else ()
    gazetteer = load_gazetteer(storage, gazetteer_digest)
    split = split_documents(load_dataset(storage, dataset_digest), rule, test=test)
    train, train_unalignable = _label(split.train)
    dev, dev_unalignable = _label(split.dev)
    write_sentences(train_path, train)
    write_sentences(dev_path, dev)
    write_documents(test_path, split.test)
    write_gazetteer(gazetteer_path, gazetteer)
    counts = {"train_documents": len(split.train), "dev_documents": len(split.dev), "test_documents": len(split.test)}
    counts |= {"train_sentences": len(train), "dev_sentences": len(dev)}
    counts |= {"duplicate_texts_left_out": len(split.duplicates), "unalignable_spans": train_unalignable + dev_unalignable}
    _log.info("preprocessed", **counts)
    return counts


def _label(documents: Sequence[Document]) -> tuple[list[LabelledSentence], int]:
    tokenizer = Tokenizer()
    sentences: list[LabelledSentence] = []
    unalignable = 0
    for document in documents:
        labelled, lost = label_document(document, tokenizer)
        sentences += labelled
        unalignable += len(lost)
    return sentences, unalignable
