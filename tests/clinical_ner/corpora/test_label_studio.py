"""Label Studio's JSON export."""

import orjson
import pytest

from clinical_ner.errors import DataError

TEXT = "asthma, then gout"


def labels(start, end, *names, mention=None, **fields):
    value = {"start": start, "end": end, "labels": list(names)} | ({"text": mention} if mention is not None else {})
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value, **fields}


def annotation(*results, **fields):
    times = {"created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-02T12:00:00.5Z", "lead_time": 31.5}
    return {"result": list(results), "was_cancelled": False, **times, **fields}


def task(*annotations, text=TEXT, **data):
    return {"id": 1, "data": {"text": text, "record_id": "r1", **data}, "annotations": list(annotations)}


@pytest.fixture
def read_tasks(write, read):
    return lambda *tasks: read(write("export.json", orjson.dumps(list(tasks))), "label-studio")


def test_finished_tasks_are_documents(read_tasks):
    """Id, text, entities, and what is known of the review come from the task; predictions do not count."""
    reviewed = annotation(labels(13, 17, "D"), labels(0, 6, "D", mention="asthma"))
    exported = {
        **task(reviewed, site="north"),
        "predictions": [{"result": [labels(7, 8, "X")]}],
        "meta": {"stratum": "uniform"},
    }
    (document,) = read_tasks(exported).documents
    assert document.id == "r1"
    assert [document.text[each.start : each.end] for each in document.entities] == ["asthma", "gout"]
    expected = {"reviewed_at": "2026-03-02T12:00:00.5Z", "lead_time_seconds": "31.5", "site": "north", "stratum": "uniform"}
    assert document.metadata == {**expected, "source": "export.json"}


def test_a_note_without_entities_is_a_document(read_tasks):
    """An annotator who found nothing said something."""
    assert read_tasks(task(annotation())).documents[0].entities == ()


def test_other_results_are_counted(read_tasks):
    """Choices and the like are passed over and counted."""
    reading = read_tasks(task(annotation(labels(0, 6, "D"), {"type": "choices", "value": {"choices": ["Zebulon"]}})))
    assert len(reading.documents[0].entities) == 1
    assert reading.counters == {"Label Studio results that are no labels": 1}


def test_equal_annotations_are_one(read_tasks):
    """Two annotators of one mind, or one beside somebody who skipped, leave no doubt."""
    agreed = task(annotation(labels(0, 6, "D")), annotation(labels(0, 6, "D")), annotation(was_cancelled=True))
    assert len(read_tasks(agreed).documents[0].entities) == 1


def test_old_exports_count_utf16_units(read_tasks):
    """Offsets behind an emoji that count it twice are put right by the mention; those of newer releases stay."""
    text = "\U0001f48a for gout"
    for start in (6, 7):
        (document,) = read_tasks(task(annotation(labels(start, start + 4, "D", mention="gout")), text=text)).documents
        assert [document.text[each.start : each.end] for each in document.entities] == ["gout"]


def test_line_ends_in_mentions_do_not_matter(read_tasks):
    """A mention over a line end is recognized in the way that Label Studio writes it."""
    (document,) = read_tasks(task(annotation(labels(0, 9, "D", mention="foot\\ndrop")), text="foot\ndrop")).documents
    assert len(document.entities) == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (task(), "none is finished"),
        (task(annotation(labels(0, 6, "D"), was_cancelled=True)), "skipped by the annotator"),
        (task(annotation(labels(0, 6, "D")), annotation()), "several that differ: 2 of them"),
        (task(annotation(labels(0, 6, "D")), text=None), "data.text: missing"),
        (task(annotation(labels(0, 600, "D"))), "offsets 0:600"),
        (task(annotation(labels(0, 600, "D", mention=TEXT))), "offsets 0:600"),
        (task(annotation(labels(6, 6, "D"))), "offsets 6:6"),
        (task(annotation(labels(0, 6, "D", mention="Zebulon"))), "offsets 0:6 do not hold the mention"),
        (task(annotation(labels("0", 6, "D"))), "not integers"),
        (task(annotation(labels(0, 6))), "labels: missing, empty"),
        (task(annotation(labels(0, 6, 7))), "labels: missing, empty"),
        (task(annotation({"type": "labels"})), "value: missing"),
        (task({"result": "Zebulon"}), "annotations.result"),
        ({"data": {"text": TEXT}, "label": [{"start": 0}]}, "not JSON-MIN"),
        ({"annotations": []}, "data: missing"),
        ("Zebulon", "task: missing or not an object"),
    ],
)
def test_undecided_and_broken_tasks_are_bad_records(read_tasks, bad, reason):
    """A task that says nothing certain is a bad record with its number and the reason; the others are read."""
    good = {**task(annotation(labels(0, 6, "D"))), "data": {"text": TEXT, "record_id": "good"}}
    reading = read_tasks(good, bad)
    assert [document.id for document in reading.documents] == ["good"]
    assert reading.bad_records[0].line == 2
    assert reason in reading.bad_records[0].reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b'{"data": "Zebulon"}', "not a list of tasks"),
        (b'[{"Zebulon"', "export.json:1: not JSON"),
        (b"id,text\n1,Zebulon", "not JSON"),
    ],
)
def test_other_files_are_refused(write, read, content, reason):
    """A file that is no JSON export is refused whole."""
    with pytest.raises(DataError, match=reason):
        read(write("export.json", content), "label-studio")
