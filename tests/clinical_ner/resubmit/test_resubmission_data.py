"""What a resubmission trains on: minimum samples, corrections, reviewed notes, term lists."""

import pytest

from clinical_ner.datasets import load_dataset, parse_dataset_uri
from clinical_ner.errors import StorageError
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.resubmit import Request, Resubmitter
from clinical_ner.storage import open_storage
from clinical_ner.term_lists import read_gazetteer
from tests.clinical_ner.resubmit.conftest import NAME, notes, reviewed
from tests.clinical_ner.resubmit.recorded import records


def test_minimum_sample_is_kept(resubmitter, champion, correct, backend, file_uri):
    """Few corrections are not worth a training; the refusal names both numbers."""
    outcome = resubmitter(file_uri).consider(correct(file_uri, notes(100, 4)))
    assert "minimum sample: 4 new or changed training documents, below min_new_documents = 5" in outcome.reason
    assert not backend.executions


@pytest.mark.parametrize("corrections", [[], notes(0, 60)], ids=["none", "all as they were"])
def test_nothing_new_needs_annotation(backend, champion, correct, time, file_uri, resubmitter, corrections):
    """When the training dataset would equal the champion's, tasks are exported, a person is told, and nothing runs."""
    request = correct(file_uri, corrections) if corrections else Request(action="retrain")
    one = resubmitter(file_uri)
    one = Resubmitter(file_uri, NAME, backend, one.rules, "m", clock=time, export_tasks=lambda: "12 tasks in s3://b/tasks")
    outcome = one.consider(request)
    assert outcome.status == "needs-annotation"
    assert "12 tasks in s3://b/tasks" in outcome.alerts[0]
    assert not backend.executions
    assert not records(file_uri)


def test_retrain_is_to_be_judged_on_reviewed_notes(resubmitter, champion, correct, backend, file_uri):
    """The run gets the held-out notes by digest beside the training data, and they are stored before it begins."""
    request = correct(file_uri, reviewed(100, 120))
    assert resubmitter(file_uri).consider(request).status == "submitted"
    (parameters,) = backend.parameters.values()
    storage = open_storage(file_uri)
    train, held = (load_dataset(storage, parse_dataset_uri(parameters[f"{name}corpus_uri"])) for name in ("", "reviewed_"))
    assert {each.metadata["stratum"] for each in held} == {"uniform"}
    assert len(held) + sum(each.metadata.get("stratum") == "uniform" for each in train) == 120


def test_corrections_without_stratum_are_judged_once(resubmitter, drifted, backend, file_uri):
    """Nothing of a dataset given by hand is held out, so that nothing is there to judge on a second time."""
    resubmitter(file_uri).consider(drifted)
    (parameters,) = backend.parameters.values()
    assert parameters["reviewed_corpus_uri"] == ""


def test_retrain_for_annotated_data_alone_is_judged_once(resubmitter, champion, correct, backend, file_uri):
    """Without drift more data need not show; an experiment is never for data alone."""
    request = correct(file_uri, reviewed(100, 120)).model_copy(update={"drifted": False})
    assert resubmitter(file_uri).consider(request).status == "submitted"
    (parameters,) = backend.parameters.values()
    assert parameters["reviewed_corpus_uri"] == ""
    assert request.model_copy(update={"action": "experiment"}).judged_twice


@pytest.mark.parametrize(
    "few", [{"count": 20, "stratum": "uniform"}, {"count": 120, "stratum": "low-confidence"}], ids=["few", "none uniform"]
)
def test_too_few_reviewed_notes_need_annotation(resubmitter, champion, correct, backend, file_uri, few):
    """A training that the gate would turn down for lack of evidence is not begun: more notes are to be reviewed."""
    request = correct(file_uri, reviewed(100, few["count"], stratum=few["stratum"]))
    outcome = resubmitter(file_uri).consider(request)
    assert outcome.status == "needs-annotation"
    assert "of min_reviewed_spans = 50" in outcome.reason
    assert not backend.executions


def test_fewer_reviewed_notes_do_where_the_gate_asks_for_fewer(resubmitter, champion, correct, backend, file_uri):
    """The limit is the one that the run's gate will have."""
    request = correct(file_uri, reviewed(100, 20))
    assert resubmitter(file_uri, parameters={"min_reviewed_spans": 2}).consider(request).status == "submitted"
    (parameters,) = backend.parameters.values()
    assert parameters["min_reviewed_spans"] == 2


def test_roll_back_is_not_held_up_by_missing_reviews(resubmitter, live, correct, backend, file_uri):
    """The worse version goes at once; what there is of its reviewed notes judges the training after it."""
    live(file_uri, notes(0, 60), c1=0.5)
    live(file_uri, notes(0, 80), c1=0.3)
    request = correct(file_uri, reviewed(200, 20), action="roll-back")
    assert resubmitter(file_uri).consider(request).status == "submitted"
    (parameters,) = backend.parameters.values()
    assert parameters["reviewed_corpus_uri"].startswith("dataset://")


def test_training_inherits_the_champions_term_lists(resubmitter, live, correct, backend, file_uri):
    """They are kept where the run looks, even for a champion from elsewhere; only others that were set replace them."""
    terms = Gazetteer.from_terms({"KNOWN": ["gout", "asthma"]})
    live(file_uri, notes(0, 60), gazetteer=terms)
    resubmitter(file_uri).consider(correct(file_uri, notes(100, 10)))
    (parameters,) = backend.parameters.values()
    assert read_gazetteer(parameters["gazetteer_uris"], open_storage(file_uri)).terms == terms.terms
    backend.end("succeeded")
    own = {"gazetteer_uris": "KNOWN=terms.txt"}
    resubmitter(file_uri, parameters=own, cool_down_hours=0).consider(correct(file_uri, notes(200, 10)))
    assert [each["gazetteer_uris"] for each in backend.parameters.values()][-1] == "KNOWN=terms.txt"


def test_champion_without_term_lists_hands_none_on(resubmitter, drifted, backend, file_uri):
    """An empty gazetteer is no URI."""
    resubmitter(file_uri).consider(drifted)
    (parameters,) = backend.parameters.values()
    assert parameters["gazetteer_uris"] == ""


def test_changed_dataset_stops_the_resubmission(resubmitter, drifted, backend, tmp_path, file_uri):
    """A dataset whose digest no longer matches is not trained on."""
    path = tmp_path / "store" / "datasets" / drifted.corrections[0].removeprefix("sha256:") / "documents.jsonl"
    path.write_bytes(path.read_bytes().replace(b"metformin", b"metformax"))
    with pytest.raises(StorageError, match="digest no longer matches"):
        resubmitter(file_uri).consider(drifted)
    assert not backend.executions
    assert resubmitter(file_uri).consider(Request(action="none")).status == "nothing"
