"""The readers on the public corpora, whose sizes are known."""

import os
from pathlib import Path

import pytest

from clinical_ner.corpora import LabelMap, read_corpus

FOLDER = os.environ.get("CLINICAL_NER_CORPORA", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="CLINICAL_NER_CORPORA names no folder of the public corpora")


@pytest.fixture
def read_public():
    def read(name, corpus_format, label_map=""):
        uri = str(Path(FOLDER) / name)
        return read_corpus(uri, corpus_format, label_map=LabelMap.parse(label_map), max_note_bytes=1024 * 1024)

    return read


@pytest.mark.parametrize(
    ("name", "corpus_format", "records", "mentions"),
    [
        ("ncbi-disease/NCBItrainset_corpus.txt", "pubtator", 593, 5145),
        ("ncbi-disease/NCBIdevelopset_corpus.txt", "pubtator", 100, 787),
        ("ncbi-disease/iob-train.tsv", "conll", 5424, 5134),
        ("ncbi-disease/iob-devel.tsv", "conll", 923, 787),
        ("bc5cdr/CDR_TrainingSet.PubTator.txt", "pubtator", 500, 9385),
        ("bc5cdr/CDR_DevelopmentSet.PubTator.txt", "pubtator", 500, 9591),
        ("bc5cdr/iob-train.tsv", "conll", 4560, 9385),
        ("bc5cdr/iob-devel.tsv", "conll", 4581, 9593),
    ],
)
def test_public_corpus_has_its_known_mentions(read_public, name, corpus_format, records, mentions):
    """Every record and mention of the corpora is found, in a document or in a bad record."""
    reading = read_public(name, corpus_format)
    assert len(reading.documents) + len(reading.bad_records) == records
    assert reading.mentions_seen == mentions


def test_biotext_has_its_known_spans(read_public):
    """BioText's train part has 1,383 diseases and 1,023 treatments in 2,599 sentences."""
    reading = read_public("biotext", "biotext", "D=DISEASE,T=TREATMENT")
    assert len(reading.documents) == 2599
    assert reading.mentions_by_label == {"DISEASE": 1383, "TREATMENT": 1023}


def test_bc5cdr_development_differs_from_its_iob_form_by_a_split_mention(read_public):
    """IOB counts 9,593 mentions where PubTator counts 9,591: it ends a sentence inside "St. Anthony's fire", twice."""
    names = {
        corpus_format: [
            document.text[entity.start : entity.end]
            for document in read_public(f"bc5cdr/{name}", corpus_format).documents
            for entity in document.entities
        ]
        for name, corpus_format in (("CDR_DevelopmentSet.PubTator.txt", "pubtator"), ("iob-devel.tsv", "conll"))
    }
    assert (names["pubtator"].count("St. Anthony's fire"), names["conll"].count("St .")) == (2, 2)
    assert names["conll"].count("Anthony ' s fire") == 2


def test_ncbi_train_differs_from_its_iob_form_by_a_repeated_abstract(read_public):
    """PubTator has PMID 8528200 twice with 11 mentions, which is why it counts 5,145 mentions where IOB counts 5,134."""
    reading = read_public("ncbi-disease/NCBItrainset_corpus.txt", "pubtator")
    wrong_mention, repeated = reading.bad_records
    assert (wrong_mention.line, wrong_mention.reason) == (3248, "mention: differs from the text at its offsets 711:761")
    assert (repeated.line, repeated.mentions) == (4556, 5145 - 5134)
    assert repeated.reason.startswith("id '8528200' was already used")
    assert repeated.reason.endswith("3810, by an equal document")
