"""The gate stage: a verdict with its reasons, against the live version where there is one."""

import pytest

from clinical_ner.datasets import load_dataset
from clinical_ner.documents import dump_documents
from clinical_ner.errors import DataError, NotFound
from clinical_ner.gate import GateReport
from clinical_ner.splitting import split_documents
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.stage_runs import (
    NAME,
    RULE,
    THRESHOLDS,
    run_evaluate,
    run_gate,
    run_ingest,
    run_preprocess,
    run_register,
    run_train,
)


def report_of(folder):
    report = GateReport.model_validate_json((folder / "gate").read_bytes())
    return report, {check.name: check for check in report.checks}


def test_gate_without_champion_asks_for_floors_only(finished):
    """The first version has nobody to be compared with; report and card say what was decided."""
    report, checks = report_of(finished.folder)
    assert (report.verdict, report.champion, report.comparison) == ("approve", "", {})
    assert checks["non-inferior to the champion"].verdict == "skipped"
    text = (finished.folder / "gate_report").read_text()
    assert all(f"| {check.name} |" in text for check in report.checks)
    assert NAME in (finished.folder / "model_card").read_text()


def test_gate_rejects_below_a_floor_and_still_reports(finished, tmp_path):
    """A floor that is not reached rejects, with every artifact written."""
    thresholds = THRESHOLDS.model_copy(update={"min_f1": 0.99})
    assert run_gate(finished.into(tmp_path), finished.folder, thresholds=thresholds) == "reject"
    report, checks = report_of(tmp_path)
    assert report.verdict == "reject"
    assert checks["F1 of DISEASE"].verdict == checks["F1 of TREATMENT"].verdict == "fail"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate", "gate_report", "model_card"]


def test_gate_rejects_on_too_little_evidence(finished, tmp_path):
    """Fewer gold spans than asked for is a rejection, however good the model looks."""
    thresholds = THRESHOLDS.model_copy(update={"min_test_spans": 10_000})
    assert run_gate(finished.into(tmp_path), finished.folder, thresholds=thresholds) == "reject"
    assert report_of(tmp_path)[1]["evidence for DISEASE"].reason.startswith("too-little-evidence")


def test_gate_approves_the_champion_itself(finished, champion, tmp_path):
    """A model is not inferior to itself: difference 0, and champion and challenger do the same on the same notes."""
    verdict = run_gate(finished.into(tmp_path), finished.folder, champion="v1", registry_uri=str(champion))
    report, checks = report_of(tmp_path)
    assert (verdict, report.champion) == ("approve", "v1")
    assert checks["non-inferior to the champion"].value == "+0.000"
    assert checks["test notes unseen by the champion"].value == "0"
    assert {row["ratio"] for row in report.comparison.values()} == {1.0}


def test_gate_rejects_a_model_worse_than_the_champion(finished, champion, tmp_path):
    """One iteration of training is no match for the live version."""
    run = finished.into(tmp_path)
    for name in ("train", "dev", "test", "gazetteer"):
        (tmp_path / name).write_bytes((finished.folder / name).read_bytes())
    run_train(run, parameters='{"max_iterations": 3}', feature_groups="position")
    run_evaluate(run)
    floors = THRESHOLDS.model_copy(update={"min_f1": 0.0})
    assert run_gate(run, champion="v1", registry_uri=str(champion), thresholds=floors) == "reject"
    failed = {name for name, check in report_of(tmp_path)[1].items() if check.verdict == "fail"}
    assert failed == {"non-inferior to the champion"}


def test_gate_rejects_when_the_champion_has_seen_test_notes(finished, champion, tmp_path):
    """A test note that the champion was trained on, whatever its white space, makes the comparison unfair: a rejection."""
    documents = load_dataset(open_storage(finished.registry_uri), finished.ingested.dataset_digest)
    split = split_documents(documents, RULE)
    (tmp_path / "corpus.jsonl").write_bytes(dump_documents([*split.train, *split.dev]))
    (tmp_path / "test.jsonl").write_bytes(dump_documents([*split.test, split.train[0], split.dev[0]]))
    options = {"corpus_format": "jsonl", "test_corpus_uri": str(tmp_path / "test.jsonl")}
    run = run_ingest(tmp_path, champion, tmp_path / "corpus.jsonl", **options)
    run_preprocess(run)
    run_train(run)
    run_evaluate(run)
    assert run.ingested.champion == "v1"
    assert run_gate(run, champion=run.ingested.champion) == "reject"
    check = report_of(tmp_path)[1]["test notes unseen by the champion"]
    assert (check.verdict, check.value) == ("fail", "2")


def test_gate_knows_what_a_champion_with_its_own_test_set_was_trained_on(tmp_path):
    """Such a champion was trained on all of its corpus but the copies of its test notes: those it has not seen."""
    options = {"corpus_format": "jsonl", "test_corpus_uri": str(tmp_path / "test.jsonl")}
    run = run_ingest(tmp_path / "other", tmp_path / "registry", "synthetic://?notes=60&seed=1")
    documents = load_dataset(open_storage(str(tmp_path / "registry")), run.ingested.dataset_digest)
    (tmp_path / "corpus.jsonl").write_bytes(dump_documents(documents))
    (tmp_path / "test.jsonl").write_bytes(dump_documents(documents[:20]))
    run = run_ingest(tmp_path, tmp_path / "registry", tmp_path / "corpus.jsonl", **options)
    assert run_preprocess(run)["duplicate_texts_left_out"] == 20
    run_train(run)
    run_evaluate(run)
    run_gate(run)
    run_register(run, tmp_path / "registry")
    assert run_gate(run, champion="v1", thresholds=THRESHOLDS.model_copy(update={"min_f1": 0.0})) == "approve"
    assert report_of(tmp_path)[1]["test notes unseen by the champion"].value == "0"


def test_gate_of_an_unknown_champion_writes_nothing(finished, champion, tmp_path):
    """A version that is not in the registry is NotFound, not a comparison with nobody."""
    with pytest.raises(NotFound, match="v9"):
        run_gate(finished.into(tmp_path / "out"), finished.folder, champion="v9", registry_uri=str(champion))
    assert not (tmp_path / "out").exists()


def test_damaged_evaluation_is_named(finished, tmp_path):
    """The error names the artifact; no verdict is left."""
    for name in ("model", "test"):
        (tmp_path / name).write_bytes((finished.folder / name).read_bytes())
    (tmp_path / "evaluation").write_text('{"documents": 3}')
    with pytest.raises(DataError, match=f"{tmp_path}/evaluation: damaged artifact"):
        run_gate(finished.into(tmp_path / "out"), tmp_path)
    assert not (tmp_path / "out").exists()
