"""Corrections and the samples that they answer."""

import pytest

from clinical_ner.corpora import LabelMap, read_corpus
from clinical_ner.documents import Entity, dump_documents
from clinical_ner.errors import DataError
from clinical_ner.feedback import dump_tasks, join_corrections, predictions_of
from tests.clinical_ner.feedback.annotators import annotate, drop_last, read_export, relabel
from tests.clinical_ner.review.samples import ENTITIES, NOON, TEXT, make_sample

SAMPLES = [make_sample(1), make_sample(2, stratum="low-confidence", probability=0.05), make_sample(3)]
ONE, TWO, THREE = (sample.record_id for sample in SAMPLES)


@pytest.fixture
def exported():
    return annotate(dump_tasks(SAMPLES), {ONE: drop_last, TWO: relabel})


def test_round_trip_keeps_what_annotators_did(tmp_path, exported):
    """Exported, edited and read back, a note has the annotator's entities, the sample's origin and the predictions."""
    joined = join_corrections(read_export(tmp_path, exported), SAMPLES)
    assert (joined.rejected, joined.problems) == ({}, ())
    first, second, third = joined.corrections
    assert first.entities == (Entity(17, 23, "DISEASE"),)
    assert second.entities == (Entity(17, 23, "TREATMENT"), Entity(34, 44, "TREATMENT"))
    assert third.entities == tuple(each.entity for each in ENTITIES)
    assert predictions_of(second) == ENTITIES
    assert (second.metadata["stratum"], second.metadata["probability"]) == ("low-confidence", "0.05")
    assert second.metadata["created_at"] == NOON.isoformat()
    assert (second.metadata["lead_time_seconds"], second.metadata["source"]) == ("42.0", "export.json")
    assert second.metadata["reviewed_at"].startswith("2026-03-02T09:05")


def as_jsonl(folder, sample):
    path = folder / "corrected.jsonl"
    path.write_bytes(dump_documents([sample.prediction()]))
    return path


def as_brat(folder, sample):
    (folder / f"{sample.record_id}.txt").write_text(sample.text)
    lines = [f"T{n}\t{e.label} {e.start} {e.end}\t{sample.text[e.start : e.end]}\n" for n, e in enumerate(sample.entities)]
    (folder / f"{sample.record_id}.ann").write_text("".join(lines))
    return folder


def as_pubtator(folder, sample):
    title, abstract = sample.text.split("\n")
    lines = [f"{sample.record_id}|t|{title}", f"{sample.record_id}|a|{abstract}"]
    mentions = [(e.start, e.end, sample.text[e.start : e.end], e.label) for e in sample.entities]
    lines += ["\t".join(map(str, (sample.record_id, *mention))) for mention in mentions]
    (folder / "corrected.txt").write_text("\n".join(lines) + "\n")
    return folder / "corrected.txt"


@pytest.mark.parametrize(("name", "write"), [("jsonl", as_jsonl), ("brat", as_brat), ("pubtator", as_pubtator)])
def test_corrections_of_any_format_are_joined(tmp_path, name, write):
    """A correction from a format without tasks joins by its id, with its entities; how long it took is not known."""
    sample = make_sample(1, text=TEXT.replace(". ", ".\n"), entities=ENTITIES)
    reading = read_corpus(str(write(tmp_path, sample)), name, label_map=LabelMap(), max_note_bytes=1000)
    (correction,) = join_corrections(reading, [sample]).corrections
    assert (correction.id, correction.entities) == (ONE, tuple(each.entity for each in ENTITIES))
    assert "lead_time_seconds" not in correction.metadata


def test_what_answers_no_sample_is_rejected(tmp_path, exported):
    """Unknown ids, changed texts, skipped, unfinished, doubly annotated and broken tasks are counted by reason and named."""
    unknown, changed, cancelled, unfinished, several, broken = (dict(exported[2]) for _ in range(6))
    unknown["data"] = {**unknown["data"], "record_id": "f" * 32}
    changed["data"] = {**changed["data"], "record_id": TWO, "text": changed["data"]["text"] + "\n"}
    cancelled["annotations"] = [{**cancelled["annotations"][0], "was_cancelled": True}]
    unfinished["annotations"] = []
    several["annotations"] = [several["annotations"][0], {**several["annotations"][0], "result": []}]
    broken["data"] = "salbutamol"
    tasks = [exported[0], unknown, changed, cancelled, unfinished, several, broken]
    joined = join_corrections(read_export(tmp_path, tasks), SAMPLES)
    assert [each.id for each in joined.corrections] == [ONE]
    assert joined.rejected == {
        "unknown record id": 1,
        "text changed": 1,
        "skipped by the annotator": 1,
        "not finished": 1,
        "annotated twice": 1,
        "not readable": 1,
    }
    assert len(joined.problems) == 6
    assert not any("salbutamol" in problem for problem in joined.problems)


def test_a_note_given_back_twice_counts_once(tmp_path, exported):
    """Of two tasks with one record id, in one file or in two, the first is taken and the other is rejected."""
    joined = join_corrections(read_export(tmp_path, [exported[0], exported[0]]), SAMPLES)
    assert (len(joined.corrections), joined.rejected) == (1, {"annotated twice": 1})


def test_predictions_are_of_corrections_only():
    """A document that is no correction is refused by its id."""
    with pytest.raises(DataError, match=ONE):
        predictions_of(SAMPLES[0].prediction())
