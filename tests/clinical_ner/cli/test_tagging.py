"""``clinical-ner predict`` and ``clinical-ner evaluate``, as the installed command runs them."""

import json

import pytest

from clinical_ner.documents import Document, content_id, dump_documents
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all
from clinical_ner.evaluation.evaluation import evaluate as score
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from tests.clinical_ner.cli.tagged_notes import NOTE, OTHER, jsonl


def expected(tagger, text):
    return [{**found._asdict(), "text": text[found.start : found.end]} for found in tagger.annotate(text).entities]


def test_predict_tags_a_text_file_as_one_note(predict, tagger, tmp_path):
    """Offsets are code points of the file's text, lines and all, behind characters of every width."""
    text = f"{NOTE}\n\n{OTHER}\n"
    (tmp_path / "note.txt").write_text(text)
    (result,) = predict("note.txt")
    assert result == {"id": content_id("note.txt", text), "entities": expected(tagger, text)}
    found = {(entity["text"], entity["label"]) for entity in result["entities"]}
    assert found & {("metformin", "TREATMENT"), ("hypertension", "DISEASE")}
    assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in result["entities"])


def test_predict_tags_a_note_a_line_of_jsonl(predict, tagger, tmp_path):
    """Ids are kept or made, gold entities in the file change nothing, blank lines are passed over."""
    gold = [{"start": 0, "end": 7, "label": "NAME"}]
    lines = jsonl({"id": "a", "text": NOTE, "entities": gold}, {"text": OTHER})
    (tmp_path / "notes.jsonl").write_bytes(lines.replace(b"\n", b"\n\n", 1))
    first, second = predict("notes.jsonl")
    assert first == {"id": "a", "entities": expected(tagger, NOTE)}
    assert second == {"id": content_id("notes.jsonl", OTHER), "entities": expected(tagger, OTHER)}


def test_predict_keeps_the_order_of_files_and_notes(predict, tmp_path):
    """Several files, one after the other."""
    (tmp_path / "b.jsonl").write_bytes(jsonl({"id": "1", "text": NOTE}, {"id": "2", "text": OTHER}))
    (tmp_path / "a.ndjson").write_bytes(jsonl({"id": "3", "text": NOTE}))
    assert [result["id"] for result in predict("b.jsonl", "a.ndjson")] == ["1", "2", "3"]


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_predict_reads_json_lines_from_stdin(predict, tagger, arguments):
    """Standard input is read when it is named, and when nothing is."""
    results = predict(*arguments, stdin=jsonl({"id": "a", "text": NOTE}, {"id": "b", "text": OTHER}))
    assert [result["id"] for result in results] == ["a", "b"]
    assert results[0]["entities"] == expected(tagger, NOTE)


def test_predict_reads_plain_lines_from_stdin(predict, tagger):
    """A line that is not JSON is a note of its own, between those that are; a line separator within one does not end it."""
    results = predict(stdin=f"{NOTE}\n".encode() + jsonl({"id": "b", "text": NOTE}) + OTHER.encode())
    assert [result["entities"] for result in results] == [expected(tagger, text) for text in (NOTE, NOTE, OTHER)]
    assert results[1]["id"] == "b"
    assert results[0]["id"] == content_id("standard input", NOTE)


def test_predict_takes_a_bom_for_no_part_of_the_note(predict, tagger, tmp_path):
    """What Windows puts before a text does not move offsets, and does not break JSON."""
    (tmp_path / "note.txt").write_bytes(b"\xef\xbb\xbf" + NOTE.encode())
    (tmp_path / "notes.jsonl").write_bytes(b"\xef\xbb\xbf" + jsonl({"id": "a", "text": NOTE}))
    results = predict("note.txt", "notes.jsonl") + predict(stdin=b"\xef\xbb\xbf" + NOTE.encode())
    assert [result["entities"] for result in results] == [expected(tagger, NOTE)] * 3


def test_predict_keeps_the_offsets_of_crlf(predict, tagger, tmp_path):
    """Carriage returns count in a file's offsets and are in no entity; in JSON Lines and on stdin they end lines."""
    text = f"{NOTE}\r\nGiven amoxicillin\r\n"
    (tmp_path / "note.txt").write_bytes(text.encode())
    (tmp_path / "notes.jsonl").write_bytes(jsonl({"id": "a", "text": NOTE}).replace(b"\n", b"\r\n"))
    whole, line = predict("note.txt", "notes.jsonl")
    assert whole["entities"] == expected(tagger, text)
    assert line["entities"] == expected(tagger, NOTE)
    assert predict(stdin=text.encode())[0]["entities"] == expected(tagger, NOTE)
    assert not any("\r" in entity["text"] for entity in whole["entities"])


def test_predict_of_nothing_writes_nothing(predict, tmp_path):
    """Empty input has no notes."""
    (tmp_path / "empty.txt").write_text("")
    assert predict("empty.txt") == predict(stdin=b"\n  \n") == []


def test_predict_min_score_leaves_out_weak_entities(predict, tagger):
    """Those that score as much as asked for stay."""
    found = expected(tagger, NOTE)
    middle = sorted(entity["score"] for entity in found)[len(found) // 2]
    (result,) = predict("--min-score", repr(middle), stdin=NOTE.encode())
    assert result["entities"] == [entity for entity in found if entity["score"] >= middle]
    assert 0 < len(result["entities"]) < len(found)


def test_predict_writes_to_a_file(predict, tagger, tmp_path):
    """With --output nothing goes to standard output, and what was in the file before is gone."""
    (tmp_path / "found.jsonl").write_text("old\n" * 1000)
    assert predict("-o", "found.jsonl", stdin=NOTE.encode()) == []
    (line,) = (tmp_path / "found.jsonl").read_text().splitlines()
    assert json.loads(line)["entities"] == expected(tagger, NOTE)


@pytest.fixture
def registry_uri(model_files, tiny_model, tmp_path):
    """A registry whose v1 is the shared model and whose live v2 is a tiny one that knows gout, of a patient's sentence."""
    by = {"actor": "pipeline", "reason": "passed the gate"}
    registry = Registry(open_storage(str(tmp_path / "registry")))
    for files in (model_files, tiny_model):
        registry.register("clinical-ner", files, **by)
    registry.approve("clinical-ner", "v2", **by)
    registry.promote("clinical-ner", "v2", **by)
    return (tmp_path / "registry").as_uri()


@pytest.mark.parametrize("model", ["clinical-ner@v1", "clinical-ner"])
def test_predict_takes_a_version_of_the_registry(cli, registry_uri, tagger, model):
    """NAME@VERSION is that version, NAME alone is the live one."""
    out, _ = cli("predict", "--registry-uri", registry_uri, "--model", model, stdin=NOTE.encode())
    assert (json.loads(out)["entities"] == expected(tagger, NOTE)) is (model == "clinical-ner@v1")


def test_predict_finds_the_registry_in_the_environment(cli, registry_uri, monkeypatch):
    """CLINICAL_NER_REGISTRY_URI is what --registry-uri is when not given."""
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", registry_uri)
    out, _ = cli("predict", stdin=b"The patient with gout was given colchicine.")
    assert [entity["text"] for entity in json.loads(out)["entities"]] == ["gout", "colchicine"]


def test_predict_names_an_unknown_version(cli, registry_uri):
    """What there is instead is said."""
    _, err = cli("predict", "--registry-uri", registry_uri, "--model", "clinical-ner@v7", stdin=b"x", status=1)
    assert err == "error: clinical-ner has no version 'v7'; it has v1, v2\n"


@pytest.fixture
def corpus(unseen_documents, tmp_path):
    """20 annotated notes that the shared model has not seen."""
    path = tmp_path / "test.jsonl"
    path.write_bytes(dump_documents(unseen_documents[:20]))
    return path


def test_evaluate_prints_json(cli, model_folder, tagger, unseen_documents, corpus):
    """The whole evaluation, as the library gives it; the folder may be named by the URI that a training prints."""
    out, _ = cli("evaluate", corpus, "--model-dir", model_folder.as_uri(), "--json")
    documents = unseen_documents[:20]
    assert Evaluation.model_validate_json(out) == score(documents, annotate_all(tagger, documents))


def test_evaluate_prints_a_row_a_label(cli, model_folder, tagger, unseen_documents, corpus):
    """All together first, then each label, with precision, recall, F1 and its interval, and counts."""
    out, _ = cli("evaluate", corpus, "--model-dir", model_folder)
    strict = score(unseen_documents[:20], annotate_all(tagger, unseen_documents[:20])).strict
    rows = {
        cells[0]: cells[1:] for line in out.splitlines() if len(cells := [cell.strip() for cell in line.split("│")[1:-1]]) > 1
    }
    assert list(rows) == ["all", "DISEASE", "TREATMENT"]
    for label, found in {"all": strict, **strict.per_label}.items():
        assert rows[label][:3] == [f"{value:.3f}" for value in (found.precision, found.recall, found.f1)]
        assert rows[label][3] == f"{found.f1_low:.3f} to {found.f1_high:.3f}"
        assert rows[label][5:] == [str(found.gold_spans), str(found.predicted_spans)]


def test_evaluate_maps_labels(cli, model_folder, corpus):
    """A corpus of other labels is judged on the model's."""
    corpus.write_text(corpus.read_text().replace('"DISEASE"', '"D"').replace('"TREATMENT"', '"T"'))
    out, _ = cli("evaluate", corpus, "--model-dir", model_folder, "--label-map", "D=DISEASE,T=TREATMENT", "--json")
    assert set(json.loads(out)["strict"]["per_label"]) == {"DISEASE", "TREATMENT"}


def test_evaluate_stops_at_a_bad_record_or_sets_it_aside(cli, model_folder, corpus):
    """By default the record is named by file and line; with quarantine the others are judged."""
    bad = {"id": "bad", "text": NOTE, "entities": [{"start": 0, "end": 9999, "label": "DISEASE"}]}
    corpus.write_bytes(corpus.read_bytes() + jsonl(bad))
    _, err = cli("evaluate", corpus, "--model-dir", model_folder, status=1)
    assert f"{corpus}:21: entities[0]: offsets 0:9999" in err
    out, _ = cli("evaluate", corpus, "--model-dir", model_folder, "--on-bad-record", "quarantine", "--json")
    assert json.loads(out)["documents"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "xml"), "corpus_format: 'xml'"),
        (("--label-map", "DISEASE"), "label_map: 'DISEASE'"),
        (("--on-bad-record", "ignore"), "on_bad_record: 'ignore'"),
    ],
)
def test_evaluate_names_a_wrong_option(cli, model_folder, corpus, arguments, message):
    """What was asked wrongly ends with status 2 and its name."""
    _, err = cli("evaluate", corpus, "--model-dir", model_folder, *arguments, status=2)
    assert message in err


def test_evaluate_of_a_corpus_without_entities(cli, model_folder, tmp_path):
    """Nothing to find and perhaps nothing found: scores all the same, no crash."""
    (tmp_path / "plain.jsonl").write_bytes(
        dump_documents([Document("a", "Nothing to report."), Document("b", "Nothing else.")])
    )
    out, _ = cli("evaluate", tmp_path / "plain.jsonl", "--model-dir", model_folder)
    assert "all" in out
