"""A retrain on corrections of shifted notes, judged twice, with models that are really trained."""

from dataclasses import replace

import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import dataset_uri, load_dataset, parse_dataset_uri, store_dataset
from clinical_ner.errors import ConfigError, NotFound
from clinical_ner.gate import GateReport
from clinical_ner.gate.checks import LATENCY
from clinical_ner.registry import Registry
from clinical_ner.reports.gate_report import JUDGED_ON
from clinical_ner.resubmit import Cause, ResubmitRules
from clinical_ner.resubmit.parameters import training_parameters
from clinical_ner.resubmit.training_set import build_training_set
from clinical_ner.splitting import text_key
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.monitored import SHIFT, make_live
from tests.clinical_ner.stages.stage_runs import (
    NAME,
    THRESHOLDS,
    run_evaluate,
    run_gate,
    run_ingest,
    run_preprocess,
    run_register,
    run_train,
)

BETTER = "better than the champion on reviewed notes"


def review_of(document):
    """The note as a correction of a uniformly drawn review sample: no patient is known."""
    return replace(document, metadata={"stratum": "uniform"})


def retrain(folder, registry_uri, parameters):
    """The training stages up to the evaluation with a resubmission's parameters."""
    chosen = {name: parameters[name] for name in ("corpus_format", "test_corpus_uri", "label_map", "gazetteer_uris")}
    run = run_ingest(folder, registry_uri, parameters["corpus_uri"], **chosen)
    run_preprocess(run)
    run_train(run)
    run_evaluate(run)
    return run


def judged(run, parameters, folder, **changed):
    """The gate's answer for the run, and its checks by name."""
    run_gate(run.into(folder), run.folder, champion="v1", reviewed_corpus_uri=parameters["reviewed_corpus_uri"], **changed)
    report = GateReport.model_validate_json((folder / "gate").read_bytes())
    return report, {check.name: check for check in report.checks}


def failed(checks):
    return {name for name, check in checks.items() if check.verdict == "fail"}


@pytest.fixture(scope="module")
def registry_uri(finished, tmp_path_factory):
    """A registry in which the finished run's model is v1, live."""
    return make_live(finished, tmp_path_factory.mktemp("champion"), reference_notes=0)


@pytest.fixture(scope="module")
def parameters(registry_uri):
    """Of a retrain on 120 reviewed notes of another site with other diseases."""
    storage = open_storage(registry_uri)
    champion = Registry(storage).champion(NAME)
    corrections = [review_of(document) for document in synthesize(120, seed=20, shift=SHIFT)]
    digest = store_dataset(storage, corrections, reader="feedback", parameters={}).digest
    data = build_training_set(storage, champion.manifest, [digest])
    data.store(storage)
    cause = Cause(model_name=NAME, champion_digest=champion.digest, action="retrain", dataset_digest=data.digest)
    return training_parameters(cause, champion.manifest, data, [], ResubmitRules(), registry_uri)


@pytest.fixture(scope="module")
def retrained(parameters, registry_uri, tmp_path_factory):
    """The run that was trained with those parameters."""
    return retrain(tmp_path_factory.mktemp("retrained"), registry_uri, parameters)


def test_retrain_on_shifted_corrections_passes_both_judgements(retrained, parameters, tmp_path):
    """Not worse on the reference test notes, better on reviewed ones that it never saw; the report shows both."""
    report, checks = judged(retrained, parameters, tmp_path)
    assert (report.verdict, failed(checks)) == ("approve", set())
    assert checks["reviewed notes unseen by both models"].value == "0"
    assert report.comparison["reviewed.strict.f1"]["low"] > 0.05
    text = (tmp_path / "gate_report").read_text()
    assert all(f"| {notes} |" in text for notes in JUDGED_ON)


def test_model_that_was_not_retrained_fails_the_second_judgement(finished, registry_uri, parameters, tmp_path):
    """Trained on what the champion was trained on, it passes all else and is not better where the notes changed."""
    report, checks = judged(finished._replace(registry_uri=registry_uri), parameters, tmp_path)
    assert (report.verdict, failed(checks)) == ("reject", {BETTER})
    assert checks["non-inferior to the champion"].verdict == "pass"


def test_same_gate_answers_the_same_but_for_time(retrained, parameters, tmp_path):
    """All that two runs of the gate may differ in is the check of time."""
    answers = []
    for name in ("one", "two"):
        report, _ = judged(retrained, parameters, tmp_path / name)
        checks = [check for check in report.checks if check.name != LATENCY]
        assert len(checks) == len(report.checks) - 1
        answers.append(report.model_copy(update={"checks": tuple(checks)}).model_dump_json())
    assert answers[0] == answers[1]


def test_reviewed_note_that_either_model_was_trained_on_fails(retrained, registry_uri, parameters, tmp_path):
    """One note that the challenger, and one that the champion was trained on, are two that judge nobody."""
    storage = open_storage(registry_uri)
    notes = load_dataset(storage, parse_dataset_uri(parameters["reviewed_corpus_uri"]))
    trained = load_dataset(storage, retrained.ingested.dataset_digest)
    shifted = {text_key(each.text) for each in synthesize(120, seed=20, shift=SHIFT)}
    new = next(each for each in trained if text_key(each.text) in shifted)
    old = next(each for each in trained if text_key(each.text) not in shifted)
    dirty = store_dataset(storage, [*notes, new, old], reader="feedback", parameters={}).digest
    _, checks = judged(retrained, {"reviewed_corpus_uri": dataset_uri(dirty)}, tmp_path)
    assert failed(checks) == {"reviewed notes unseen by both models"}
    assert checks["reviewed notes unseen by both models"].value == "2"


def test_too_few_reviewed_notes_reject(retrained, registry_uri, parameters, tmp_path):
    """The stage takes the limit from the run's parameters."""
    thresholds = THRESHOLDS.model_copy(update={"min_reviewed_spans": 100_000})
    _, checks = judged(retrained, parameters, tmp_path, thresholds=thresholds)
    assert failed(checks) == {"evidence in reviewed notes"}


def test_reviewed_notes_must_be_a_stored_dataset(retrained, tmp_path):
    """A file could change between two runs; a dataset that is gone is no reason to judge once."""
    for uri, error in (("notes.jsonl", ConfigError), (dataset_uri("sha256:" + "0" * 64), NotFound)):
        with pytest.raises(error):
            judged(retrained, {"reviewed_corpus_uri": uri}, tmp_path)
    assert not (tmp_path / "gate").exists()


def test_retrain_inherits_the_champions_term_lists(tmp_path):
    """Nobody passes their files: the retrain reads the very gazetteer that the champion holds, though the files are gone."""
    terms, registry_uri = tmp_path / "terms.txt", (tmp_path / "registry").as_uri()
    terms.write_text("asthma\natrial fibrillation\n")
    run = run_ingest(tmp_path, registry_uri, "synthetic://?notes=60&seed=1", gazetteer_uris=f"KNOWN={terms}")
    terms.unlink()
    run_preprocess(run)
    run_train(run)
    run_evaluate(run)
    run_gate(run)
    run_register(run, registry_uri)
    storage = open_storage(registry_uri)
    champion = Registry(storage).champion(NAME)
    data = build_training_set(storage, champion.manifest, [])
    data.store(storage)
    cause = Cause(model_name=NAME, champion_digest=champion.digest, action="retrain", dataset_digest=data.digest)
    made = training_parameters(cause, champion.manifest, data, [], ResubmitRules(), registry_uri)
    again = run_ingest(
        tmp_path / "again",
        registry_uri,
        made["corpus_uri"],
        **{name: made[name] for name in ("gazetteer_uris", "test_corpus_uri", "corpus_format")},
    )
    assert again.ingested.gazetteer_digest == run.ingested.gazetteer_digest != ""
    assert champion.manifest.files["gazetteer.json"] == run.ingested.gazetteer_digest
