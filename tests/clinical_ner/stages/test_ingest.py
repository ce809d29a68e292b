"""The ingest stage: from a corpus of any kind to datasets."""

import gzip
import json

import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import list_datasets, load_dataset
from clinical_ner.documents import Document, Entity, dump_documents
from clinical_ner.errors import ConfigError, DataError, NotFound, TooLittleData
from clinical_ner.splitting import SplitRule
from clinical_ner.storage import open_storage
from clinical_ner.term_lists import load_gazetteer
from tests.clinical_ner.stages.stage_runs import run_ingest

PATIENT = "Zebulon Quartermain"
BAD_LINE = json.dumps({"id": "bad", "text": f"{PATIENT} has gout.", "entities": [{"start": 24, "end": 99, "label": "DISEASE"}]})


@pytest.fixture
def corpus(tmp_path):
    """40 notes as JSON Lines."""
    path = tmp_path / "notes.jsonl"
    path.write_bytes(dump_documents(synthesize(40, seed=3)))
    return path


@pytest.fixture
def ingest(tmp_path):
    """Ingest JSON Lines, unless told otherwise, into a folder and a registry of this test's own."""

    def run(corpus_uri, **changed):
        chosen = {"registry_uri": tmp_path / "registry", "corpus_format": "jsonl"} | changed
        return run_ingest(tmp_path / "out", corpus_uri=corpus_uri, **chosen)

    run.storage = open_storage(str(tmp_path / "registry"))
    run.folder = tmp_path / "out"
    return run


def assert_nothing_written(ingest):
    assert not ingest.folder.exists()
    assert list_datasets(ingest.storage) == []


def test_ingest_stores_the_corpus_under_its_digest(ingest, corpus):
    """The dataset holds the corpus's documents, says how they were read, and there is no test set and no champion yet."""
    outputs = ingest(corpus).ingested
    stored = load_dataset(ingest.storage, outputs.dataset_digest)
    assert [document.text for document in stored] == [document.text for document in synthesize(40, seed=3)]
    (dataset,) = list_datasets(ingest.storage)
    assert (dataset.reader, dataset.parameters["max_note_bytes"]) == ("jsonl", "100000")
    assert (outputs.test_dataset_digest, outputs.champion) == ("", "")


def test_ingest_stores_a_test_corpus_apart(ingest, corpus, tmp_path):
    """An explicit test corpus is a dataset of its own, with the same label map."""
    test = tmp_path / "test.jsonl"
    test.write_bytes(dump_documents(synthesize(10, seed=4)))
    outputs = ingest(corpus, test_corpus_uri=str(test), label_map="DISEASE=ILLNESS,TREATMENT=").ingested
    assert len(load_dataset(ingest.storage, outputs.dataset_digest)) == 40
    stored = load_dataset(ingest.storage, outputs.test_dataset_digest)
    assert len(stored) == 10
    assert {entity.label for document in stored for entity in document.entities} == {"ILLNESS"}


def test_ingest_stores_term_lists_under_their_digest(ingest, corpus, tmp_path):
    """What later stages read does not change with the list; without lists there is no digest."""
    (tmp_path / "terms.txt").write_text("gout\nasthma\n")
    outputs = ingest(corpus, gazetteer_uris=f"known={tmp_path}/terms.txt").ingested
    assert load_gazetteer(ingest.storage, outputs.gazetteer_digest).terms == {"known": ["asthma", "gout"]}
    assert ingest(corpus).ingested.gazetteer_digest == ""


def test_ingest_of_an_unreadable_term_list_stores_nothing(ingest, corpus, tmp_path):
    """A run ends before anything is written."""
    (tmp_path / "terms.txt").write_bytes(b"g\xff")
    with pytest.raises(DataError, match=r"terms\.txt: not UTF-8"):
        ingest(corpus, gazetteer_uris=f"known={tmp_path}/terms.txt")
    assert_nothing_written(ingest)


def test_ingest_reads_a_dataset_again(ingest, corpus):
    """dataset:// gives the same documents and so the same digest; nothing is stored twice."""
    first = ingest(corpus).ingested
    again = ingest(f"dataset://{first.dataset_digest}").ingested
    assert again == first
    assert len(list_datasets(ingest.storage)) == 1


def test_ingest_of_an_unknown_dataset_says_so(ingest):
    """A digest that nobody stored is NotFound."""
    with pytest.raises(NotFound):
        ingest(f"dataset://sha256:{'0' * 64}")
    assert_nothing_written(ingest)


def test_ingest_names_the_champion(champion, tmp_path):
    """With a live version the gate of this run is told which."""
    run = run_ingest(tmp_path, champion, "synthetic://?notes=100&seed=0")
    assert run.ingested.champion == "v1"
    assert run_ingest(tmp_path, champion, "synthetic://?notes=100&seed=0", model_name="other").ingested.champion == ""


def test_bad_record_fails_the_stage_and_leaves_nothing(ingest, corpus):
    """File, line, field and remedy are in the error; note text, dataset, report and quarantine file are not there."""
    corpus.write_text(corpus.read_text() + BAD_LINE)
    with pytest.raises(DataError) as caught:
        ingest(corpus)
    assert f"{corpus}:41: entities[0]: offsets 24:99" in str(caught.value)
    assert "on_bad_record = quarantine" in str(caught.value)
    assert "Zebulon" not in str(caught.value)
    assert_nothing_written(ingest)


def test_quarantine_file_holds_the_bad_records_of_both_corpora(ingest, corpus, tmp_path):
    """Under quarantine the good records go on; the bad ones lie aside as found, with file, line and reason."""
    corpus.write_text(BAD_LINE + "\n" + corpus.read_text())
    test = tmp_path / "test.jsonl"
    test.write_bytes(dump_documents(synthesize(10, seed=4)) + b"\xff\n")
    outputs = ingest(corpus, test_corpus_uri=str(test), on_bad_record="quarantine").ingested
    first, second = map(json.loads, gzip.decompress((ingest.folder / "quarantine").read_bytes()).splitlines())
    assert (first["file"], first["line"], first["raw"]) == (str(corpus), 1, BAD_LINE)
    assert first["reason"].startswith("entities[0]: offsets 24:99")
    assert (second["file"], second["line"], second["raw_base64"]) == (str(test), 11, "/w==")
    assert len(load_dataset(ingest.storage, outputs.dataset_digest)) == 40
    assert "Zebulon" not in (ingest.folder / "data_quality").read_text()


def test_quarantine_file_is_empty_without_bad_records(ingest, corpus):
    """The artifact is there for every run, empty when all is well."""
    ingest(corpus)
    assert gzip.decompress((ingest.folder / "quarantine").read_bytes()) == b""


def test_label_map_that_drops_everything_is_refused(ingest, corpus):
    """The error names the map and the labels that it drops."""
    with pytest.raises(DataError, match=r"label_map 'DISEASE=,TREATMENT=' leaves none of the \d+ mentions.*DISEASE, TREATMENT"):
        ingest(corpus, label_map="DISEASE=,TREATMENT=")
    assert_nothing_written(ingest)


def test_corpus_without_entities_is_refused(ingest, corpus):
    """Notes without one annotated span cannot train anything, however many."""
    corpus.write_bytes(dump_documents(Document(str(number), f"Note {number}.") for number in range(50)))
    with pytest.raises(TooLittleData, match="no entity in 50 documents"):
        ingest(corpus)
    assert_nothing_written(ingest)


def test_corpus_too_small_to_split_is_refused(ingest, corpus):
    """One note cannot train, tune and test: what to change is said."""
    corpus.write_bytes(dump_documents([Document("a", "Has gout.", (Entity(4, 8, "DISEASE"),))]))
    with pytest.raises(TooLittleData, match=r"too small to split.*test_fraction"):
        ingest(corpus)
    assert_nothing_written(ingest)


def test_note_over_the_limit_is_a_bad_record(ingest, corpus):
    """max_note_bytes is the limit, in bytes."""
    with pytest.raises(DataError, match="more than max_note_bytes = 100"):
        ingest(corpus, max_note_bytes=100)
    assert_nothing_written(ingest)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"corpus_format": "xml"}, "corpus_format: 'xml'"),
        ({"corpus_format": "synthetic"}, "corpus_uri: .* is not of the form synthetic://"),
        ({"on_bad_record": "ignore"}, "on_bad_record: 'ignore'"),
        ({"label_map": "DISEASE"}, "label_map: 'DISEASE'"),
        ({"registry_uri": "ftp://host/registry"}, "unknown scheme 'ftp'"),
    ],
)
def test_wrong_parameter_is_named(ingest, corpus, changed, message):
    """A parameter that cannot be is refused by name before anything is written."""
    with pytest.raises(ConfigError, match=message):
        ingest(corpus, **changed)
    assert_nothing_written(ingest)


def test_split_rule_changes_the_report_and_not_the_dataset(ingest, corpus):
    """The split belongs to the run: the same notes are the same dataset under any seed."""
    first = ingest(corpus).ingested
    report = (ingest.folder / "data_quality").read_text()
    second = ingest(corpus, rule=SplitRule(seed=1, dev_fraction=0.3, test_fraction=0.3)).ingested
    assert first == second
    assert report != (ingest.folder / "data_quality").read_text()


def test_label_map_of_a_stored_dataset_is_refused(ingest, corpus):
    """A dataset holds the labels that it was stored with: a map would say nothing, so it is not ignored."""
    digest = ingest(corpus).ingested.dataset_digest
    with pytest.raises(ConfigError, match="leave label_map empty"):
        ingest(f"dataset://{digest}", label_map="A=B")
