"""The monitoring pipeline's stages and the feedback of people: corrections in without being named, annotation tasks out."""

from dataclasses import replace

import orjson
import pytest
from structlog.testing import capture_logs

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.decision import Decision
from clinical_ner.errors import ConfigError, NotFound, StorageError
from clinical_ner.feedback import add_corrections
from clinical_ner.registry import Registry
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.resubmit.training_set import build_training_set
from clinical_ner.review.store import write_sample
from clinical_ner.storage import open_storage
from pipelines.definitions import TRAINING
from tests.clinical_ner.review.samples import make_sample
from tests.clinical_ner.stages.monitored import (
    SHIFT,
    SHIFTED_END,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
    run_resubmit,
)
from tests.clinical_ner.stages.stage_runs import NAME

TASKS = "annotation-tasks/model=clinical-ner/tasks.json"


def corrections(count, seed, stratum="", shift=SHIFT):
    """Notes as annotators give them back; with a stratum those of review samples."""
    notes = synthesize(count, seed=seed, shift=shift) if shift else synthesize(count, seed=seed)
    drawn = {"stratum": stratum, "probability": "0.5"} if stratum else {}
    return [replace(note, id=f"{seed:016x}{number:016x}", metadata=drawn) for number, note in enumerate(notes)]


def correct(registry_uri, documents):
    """Add corrections; the digest of all."""
    return add_corrections(open_storage(registry_uri), NAME, documents).dataset.digest


def read_decision(folder):
    return Decision.model_validate_json((folder / "decision").read_bytes())


@pytest.fixture
def registry_uri(finished, tmp_path):
    """A registry of the test's own with the same live version."""
    return make_live(finished, tmp_path / "own", reference_notes=0)


def test_new_corrections_are_found_by_themselves(registry_uri, compared):
    """The same parameters, run again after corrections were added: they are counted, and the decision names their dataset."""
    run_decide(registry_uri, compared)
    assert (read_decision(compared).new_annotated, read_decision(compared).corrections) == (0, "")
    digest = correct(registry_uri, corrections(60, seed=20))
    run_decide(registry_uri, compared)
    assert (read_decision(compared).new_annotated, read_decision(compared).corrections) == (60, digest)
    run_decide(registry_uri, compared, corrections_uri="none")
    assert (read_decision(compared).new_annotated, read_decision(compared).corrections) == (0, "")


def test_resubmission_trains_on_what_was_decided_on(registry_uri, compared):
    """Corrections that arrive between the two steps, or before one of them is repeated, wait for the next run."""
    digest = correct(registry_uri, corrections(60, seed=20))
    run_decide(registry_uri, compared)
    later = correct(registry_uri, corrections(30, seed=21))
    assert run_resubmit(registry_uri, compared) == run_resubmit(registry_uri, compared) == "proposed"
    storage = open_storage(registry_uri)
    (record,) = RecordStore(storage, NAME).records()
    champion = Registry(storage).champion(NAME)
    expected, other = (build_training_set(storage, champion.manifest, [each]).digest for each in (digest, later))
    assert record.cause.dataset_digest == expected != other


def test_versions_are_compared_on_uniform_notes_that_neither_knows(registry_uri, tiny_model, compared):
    """A live version that knows three words, behind one that knows a corpus: told by the current corrections, unasked.

    Low-confidence notes and those that the earlier version was trained on do not count.
    """
    registry, by = Registry(open_storage(registry_uri)), {"actor": "ada", "reason": "a mistake"}
    version = registry.register(NAME, tiny_model, **by).version
    registry.approve(NAME, version, **by)
    registry.promote(NAME, version, **by)
    trained = corrections(10, 0, "uniform", shift=None)
    assert {note.text for note in trained} <= {note.text for note in synthesize(100, seed=0)}
    correct(registry_uri, [*corrections(110, 30, "uniform", shift=None), *corrections(40, 31, "low-confidence"), *trained])
    run_collect(registry_uri, compared, SHIFTED_END)
    run_drift_report(registry_uri, compared)
    assert run_decide(registry_uri, compared, corrections_uri="none") == "yes"
    decision = read_decision(compared)
    assert (decision.action, decision.reviewed.notes) == ("roll-back", 110)
    assert run_decide(registry_uri, compared, corrections_uri="none", reviewed_uri="none") == "no"
    assert read_decision(compared).reviewed is None


def test_needs_annotation_leaves_tasks(registry_uri, compared, tmp_path):
    """Where samples lie: beside the log, or where the parameter says; the alert names the place, a repeat changes nothing."""
    run_decide(registry_uri, compared)
    for uri, chosen in ((registry_uri, ""), ((tmp_path / "samples").as_uri(), (tmp_path / "samples").as_uri())):
        storage = open_storage(uri)
        write_sample(storage, make_sample(1))
        for _ in range(2):
            assert run_resubmit(registry_uri, compared, samples_uri=chosen) == "needs-annotation"
            (alert,) = orjson.loads((compared / "outcome").read_bytes())["alerts"]
            assert f"1 annotation tasks are in {storage.uri(TASKS)}" in alert
        assert len(orjson.loads(storage.read(TASKS))) == 1


def test_needs_annotation_without_samples_says_so(registry_uri, compared):
    """Nobody can be asked to annotate nothing."""
    run_decide(registry_uri, compared)
    assert run_resubmit(registry_uri, compared) == "needs-annotation"
    assert "no review samples" in orjson.loads((compared / "outcome").read_bytes())["alerts"][0]


def test_failed_export_keeps_the_alert(registry_uri, compared, tmp_path):
    """A store of samples that cannot be read: the outcome is there, and the alert says why there are no tasks."""
    run_decide(registry_uri, compared)
    with capture_logs() as logs:
        assert run_resubmit(registry_uri, compared, samples_uri="gs://bucket") == "needs-annotation"
    (alert,) = orjson.loads((compared / "outcome").read_bytes())["alerts"]
    assert "could not be exported: storage 'gs://bucket'" in alert
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["tasks_not_exported", "alert"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ('{"min_f2": 0.7}', "no parameter min_f2"),
        ('{"corpus_uri": "x"}', "corpus_uri follow"),
        ('{"promote": 1}', "promote must be"),
    ],
)
def test_wrong_training_parameters_stop_before_anything(registry_uri, compared, parameters, reason):
    """An unknown name, one that follows from the cause, a wrong type: an error, and no record of a submission."""
    correct(registry_uri, corrections(60, seed=20))
    run_decide(registry_uri, compared)
    with pytest.raises(ConfigError, match=reason):
        run_resubmit(registry_uri, compared, training_parameters=parameters, package=TRAINING.compiled, mode="auto")
    assert not RecordStore(open_storage(registry_uri), NAME).records()


def test_missing_and_changed_datasets_are_errors(registry_uri, compared):
    """Corrections whose bytes no longer have their digest, and a dataset that is not there."""
    digest = correct(registry_uri, corrections(60, seed=20))
    storage = open_storage(registry_uri)
    with pytest.raises(NotFound):
        run_decide(registry_uri, compared, corrections_uri=f"dataset://sha256:{'0' * 64}")
    key = next(key for key in storage.list("datasets/") if digest.removeprefix("sha256:") in key and "documents" in key)
    storage.write(key, storage.read(key)[:-10])
    with pytest.raises(StorageError, match="digest no longer matches"):
        run_decide(registry_uri, compared)
