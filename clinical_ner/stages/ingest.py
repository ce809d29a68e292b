"""Corpus in, immutable dataset out."""

import gzip
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from clinical_ner.corpora import LabelMap, dump_quarantine, read_corpus, settle
from clinical_ner.corpora.records import BadRecord, CorpusReading
from clinical_ner.corpora.synthetic import read_synthetic
from clinical_ner.datasets import is_dataset_uri, load_dataset, parse_dataset_uri, store_dataset
from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, TooLittleData
from clinical_ner.registry import Registry
from clinical_ner.reports.data_quality import render_data_quality, summarize_data
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.stages.artifacts import PathLike, write_bytes, write_text
from clinical_ner.storage import Storage, open_storage
from clinical_ner.term_lists import read_gazetteer, store_gazetteer

SYNTHETIC = "synthetic"

_log = structlog.get_logger()


class IngestOutputs(NamedTuple):
    """Digests key every later stage; all but ``dataset_digest`` are empty where there is none."""

    dataset_digest: str
    test_dataset_digest: str
    champion: str
    gazetteer_digest: str


def ingest(
    *,
    corpus_uri: str,
    corpus_format: str,
    test_corpus_uri: str,
    label_map: str,
    gazetteer_uris: str,
    on_bad_record: str,
    max_note_bytes: int,
    rule: SplitRule,
    model_name: str,
    registry_uri: str,
    data_quality_path: PathLike,
    quarantine_path: PathLike,
) -> IngestOutputs:
    """Read the corpus, and the test corpus where one is given apart; store both as datasets, and the term lists as gazetteer.

    Once all else is done, writes the data-quality report and, compressed, the quarantined records (none under
    ``on_bad_record=fail``).

    Raises:
        DataError: a record is bad and ``on_bad_record`` is ``fail``, or what is left is too little to split.
        ConfigError: a parameter is wrong.
    """
    storage = open_storage(registry_uri)
    options = {"corpus_format": corpus_format, "label_map": label_map, "max_note_bytes": str(max_note_bytes)}
    corpora = _read_corpora(storage, corpus_uri, test_corpus_uri, options, on_bad_record)
    gazetteer = read_gazetteer(gazetteer_uris, storage)
    parts = split_documents(corpora.documents, rule, test=corpora.test)
    summary = summarize_data([*corpora.documents, *corpora.test], corpora.bad_records, parts)
    outputs = IngestOutputs(
        dataset_digest=_store(storage, corpora.documents, options),
        test_dataset_digest=_store(storage, corpora.test, options) if corpora.test else "",
        champion=_champion(storage, model_name),
        gazetteer_digest=store_gazetteer(storage, gazetteer),
    )
    write_bytes(quarantine_path, gzip.compress(dump_quarantine(corpora.bad_records), mtime=0))
    write_text(data_quality_path, render_data_quality(summary))
    _log.info("ingested", **corpora.counts())
    return outputs


class _Corpora(NamedTuple):
    """What is left to train on and, where it was given apart, to test on, and what was not readable in both."""

    documents: Sequence[Document]
    test: Sequence[Document]
    bad_records: Sequence[BadRecord]

    def counts(self) -> dict[str, int]:
        return {"documents": len(self.documents), "test_documents": len(self.test), "bad_records": len(self.bad_records)}


def _read_corpora(storage: Storage, uri: str, test_uri: str, options: dict[str, str], on_bad_record: str) -> _Corpora:
    reading = _read(storage, uri, options)
    test = _read(storage, test_uri, options) if test_uri else CorpusReading()
    documents, test_documents = (settle(each, on_bad_record) for each in (reading, test))
    _check_entities(documents)
    return _Corpora(documents, test_documents, [*reading.bad_records, *test.bad_records])


def _read(storage: Storage, uri: str, options: dict[str, str]) -> CorpusReading:
    if is_dataset_uri(uri):
        if options["label_map"]:
            raise ConfigError("label_map: a dataset:// holds the labels that it was stored with; leave label_map empty")
        return CorpusReading(documents=load_dataset(storage, parse_dataset_uri(uri)))
    if options["corpus_format"] == SYNTHETIC:
        return CorpusReading(documents=read_synthetic(uri))
    return read_corpus(
        uri,
        options["corpus_format"],
        label_map=LabelMap.parse(options["label_map"]),
        max_note_bytes=int(options["max_note_bytes"]),
    )


def _check_entities(documents: Sequence[Document]) -> None:
    if not any(document.entities for document in documents):
        raise TooLittleData(f"the corpus holds no entity in {len(documents)} documents: nothing to learn")


def _store(storage: Storage, documents: Sequence[Document], options: dict[str, str]) -> str:
    return store_dataset(storage, documents, reader=options["corpus_format"], parameters=options, parents=()).digest


def _champion(storage: Storage, model_name: str) -> str:
    champion = Registry(storage).champion(model_name)
    return champion.version if champion else ""
