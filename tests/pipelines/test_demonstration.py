"""The demonstration's parts: the model server, two windows of traffic, annotators, the comparison."""

import json
import socket
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests
from rich.console import Console

from clinical_ner.corpora import label_studio
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import store_dataset
from clinical_ner.deidentify import Deidentifier
from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.features import FeatureSpec
from clinical_ner.feedback import dump_tasks
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.registry import Registry
from clinical_ner.review import ReviewSample, Stratum
from clinical_ner.splitting import text_key
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Annotation, Tagger
from clinical_ner.training import CrfParameters, train_model
from pipelines.demonstration import demonstrate
from pipelines.demonstration.annotators import correct_tasks
from pipelines.demonstration.bad_model import register_bad_model
from pipelines.demonstration.callers import Callers
from pipelines.demonstration.comparison import compare, name_of, without_texts
from pipelines.demonstration.loop import NOTE, Loop
from pipelines.demonstration.server import START_SECONDS, serve
from pipelines.demonstration.traffic import send_two_windows, wait_until_logged


class Finds:
    """A tagger that finds every one of its words."""

    def __init__(self, *words):
        self.words = words

    def annotate(self, text):
        found = [(text.index(word), word) for word in self.words if word in text]
        entities = tuple(ScoredEntity(start, start + len(word), "DISEASE", 0.9) for start, word in found)
        return Annotation(entities, sentence_count=1, token_count=2, unknown_count=0)


def make_sample(record_id, text):
    return ReviewSample(
        record_id=record_id,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        model_name="clinical-ner",
        model_version="v1",
        model_digest="sha256:" + "0" * 64,
        stratum=Stratum.UNIFORM,
        probability=1.0,
        site="",
        specialty="",
        text=text,
        entities=(ScoredEntity(0, 4, "DISEASE", 0.5),),
        dropped_entities=0,
        identifiers={},
    )


def is_listening(url):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


@pytest.fixture(autouse=True)
def no_draining(monkeypatch):
    """Nobody balances load to a server of a test: it may stop at once."""
    monkeypatch.setenv("CLINICAL_NER_DRAIN_SECONDS", "0")


def ask_and_fail(model_dir, log, answers):
    """Ask a server about the note, leave its address and the spans in ``answers``, and fail while it runs."""
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [NOTE]}]}
    with serve(model_dir, log) as url:
        reply = requests.post(f"{url}/v2/models/clinical-ner/infer", json=body, timeout=30).json()
        outputs = {tensor["name"]: tensor["data"] for tensor in reply["outputs"]}
        spans = [(entity["start"], entity["end"], entity["label"]) for entity in json.loads(outputs["entities"][0])]
        answers.append((url, spans))
        raise KeyError("stop")


def test_serve_answers_and_stops(model_folder, tagger, tmp_path):
    """Inside the context the model answers about a note; after it, even after an error, nobody listens."""
    answers = []
    with pytest.raises(KeyError, match="stop"):
        ask_and_fail(model_folder, tmp_path / "server.log", answers)
    ((url, spans),) = answers
    assert spans == [tuple(found.entity) for found in tagger.annotate(NOTE).entities] != []
    assert not is_listening(url)
    assert (tmp_path / "server.log").stat().st_size > 0


def test_server_that_cannot_load_its_model_is_told_at_once(tmp_path):
    """A folder without a model ends the wait well before its limit; the error names the log, which says why."""
    started = time.monotonic()
    with (
        pytest.raises(PipelineRunError, match=rf"ended with status 1.*{tmp_path}/server\.log"),
        serve(tmp_path, tmp_path / "server.log"),
    ):
        pass
    assert time.monotonic() - started < START_SECONDS
    assert "manifest.json" in (tmp_path / "server.log").read_text()


def test_demonstration_serves_from_a_folder_with_any_name(model_files, tmp_path):
    """The server finds the version though its URI escapes letters of the folder's name."""
    loop = Loop(tmp_path / "ä b", Console(quiet=True), tmp_path / "index.html")
    registry = Registry(open_storage(loop.registry_uri))
    model = registry.register("clinical-ner", model_files, actor="test", reason="test")
    with loop.serve(model.uri) as url:
        assert is_listening(url)
    assert [step.outcome for step in loop.steps] == ["ready"]


def test_demonstration_refuses_a_folder_that_holds_something(tmp_path):
    """What is there may be an earlier demonstration, with a registry that a new one must not go on with."""
    (tmp_path / "registry").mkdir()
    with pytest.raises(ConfigError, match="not empty"):
        demonstrate(tmp_path, None)


def test_each_window_of_the_log_holds_half_of_the_notes(model_folder, tagger, tmp_path):
    """Two windows of equal length, one after the other, hold the notes in the order in which they were sent, and no other."""
    options = ["--inference-log-uri", str(tmp_path / "log"), "--inference-log-spool", str(tmp_path / "spool")]
    options += ["--inference-log-flush-seconds", "0.2"]
    notes, name = synthesize(30, seed=3), tagger.manifest.name
    with serve(model_folder, tmp_path / "server.log", *options) as url:
        windows = send_two_windows(url, name, notes)
        wait_until_logged(str(tmp_path / "log"), name, windows)
    middle = windows.start + (windows.end - windows.start) / 2
    storage = open_storage(str(tmp_path / "log"))
    for start, end, sent in ((windows.start, middle, notes[:15]), (middle, windows.end, notes[15:])):
        logged = scan_window(storage, name, start, end).table["record_id"].to_pylist()
        assert sorted(windows.notes[record_id].id for record_id in logged) == sorted(note.id for note in sent)


def test_annotators_mark_the_gold_entities_in_the_de_identified_text(tmp_path):
    """What comes back is a Label Studio export with the gold entities where their text now stands; other tasks stay undone."""
    text = "Seen on 2026-03-04 with acute asthma. Tel. 555-123-4567. Asthma treated with salbutamol."
    gold = [Entity(*span) for span in ((24, 36, "DISEASE"), (57, 63, "DISEASE"), (77, 87, "TREATMENT"))]
    shown = Deidentifier().deidentify(text).text
    assert shown != text
    mine, other = make_sample("a" * 32, shown), make_sample("b" * 32, shown)
    (tmp_path / "tasks.json").write_bytes(dump_tasks([mine, other]))
    note = Document("n", text, tuple(gold))
    assert correct_tasks(tmp_path / "tasks.json", {mine.record_id: note}, tmp_path / "export.json") == 1
    (record,) = label_studio.read(tmp_path / "export.json")
    assert [(name_of(shown, entity), entity.label) for entity in record.document.entities] == [
        ("acute asthma", "DISEASE"),
        ("asthma", "DISEASE"),
        ("salbutamol", "TREATMENT"),
    ]


def test_comparison_tells_seen_names_from_unseen_ones():
    """A name is seen when it is annotated somewhere in training, whatever its case; each row counts its own spans only."""
    training = [Document("t", "GOUT and more", (Entity(0, 4, "DISEASE"),))]
    notes = [Document(str(n), "gout, lupus", (Entity(0, 4, "DISEASE"), Entity(6, 11, "DISEASE"))) for n in range(5)]
    rows = {row.name: row for row in compare(Finds("gout"), Finds("gout", "lupus"), notes, training)}
    assert (rows["all"].gold_spans, rows["all"].after) == (10, 1.0)
    assert rows["all"].before == pytest.approx(2 / 3)
    assert rows["names seen in training"][1:4] == (5, 1.0, 1.0)
    assert rows["unseen names"][1:4] == (5, 0.0, 1.0)
    assert rows["unseen names"].interval.low > 0
    assert set(rows) == {"all", "DISEASE", "names seen in training", "unseen names"}


def test_texts_that_training_holds_are_left_out():
    """White space does not make another text."""
    notes = [Document("a", "one  text", ()), Document("b", "another", ())]
    assert [note.id for note in without_texts(notes, {text_key("one text")})] == ["b"]


def test_callers_know_who_answered_each_call(model_folder, tagger, tmp_path):
    """While the block runs every call is kept, with the version that answered it."""
    with serve(model_folder, tmp_path / "server.log") as url:
        before = time.time()
        with Callers(url, tagger.manifest.name, synthesize(5, seed=3)) as callers:
            time.sleep(0.5)
    assert len(callers.calls) > 3
    assert {call.version for call in callers.calls} == {tagger.served_version}
    assert all(before <= call.ended <= time.time() for call in callers.calls)


def test_callers_keep_calls_that_failed(model_folder, tagger, tmp_path):
    """Nobody listens, or the answer is an error: a failed call has no version, and the next one is made."""
    notes = synthesize(5, seed=3)
    with serve(model_folder, tmp_path / "server.log") as url, Callers(url, "another-model", notes) as refused:
        time.sleep(0.3)
    with Callers(url, tagger.manifest.name, notes) as unanswered:
        time.sleep(0.3)
    for callers in (refused, unanswered):
        assert len(callers.calls) > 3
        assert {call.version for call in callers.calls} == {""}


def test_bad_model_finds_next_to_nothing(labelled_sentences, training_documents, unseen_documents, tmp_path):
    """It is a sound model, registered as a candidate, whose entities collapse beside those of the version it is like."""
    storage = open_storage(str(tmp_path / "registry"))
    dataset = store_dataset(storage, training_documents, reader="synthetic", parameters={})
    parameters, datasets = CrfParameters(max_iterations=30), {"train": dataset.digest}
    good = train_model(
        labelled_sentences, name="m", parameters=parameters, spec=FeatureSpec(), datasets=datasets, provenance={"seed": 0}
    )
    registry = Registry(storage)
    like = registry.register("m", good, actor="test", reason="test").version
    version = register_bad_model(str(tmp_path / "registry"), "m", like)
    assert registry.get("m", version).state == "candidate"
    found = [
        sum(len(tagger.annotate(note.text).entities) for note in unseen_documents[:20])
        for tagger in (Tagger.from_files(registry.files("m", each)) for each in (like, version))
    ]
    assert found[1] < found[0] / 2
