"""Gathering what a local run left behind."""

import json

import pytest

from clinical_ner.pipeline_runs.results import collect_monitoring, collect_results
from pipelines.definitions import MONITORING, TRAINING

EVALUATION = {"strict": {"f1": 0.8}, "overlap": {"f1": 0.9}, "documents": 3}
GATE = {"verdict": "approve", "champion": "", "checks": [], "comparison": {}}
OUTPUTS = {
    "ingest": {"dataset_digest": "sha256:aa", "test_dataset_digest": ""},
    "train": {"Output": "sha256:bb"},
    "register": {"Output": "file:///registry/models/clinical-ner/v1"},
}
REPORTS = {
    "ingest/data_quality": "data_quality.html",
    "tune/tuning_report": "tuning_report.html",
    "evaluate/error_browser": "error_browser.html",
    "quality-gate/gate_report": "gate_report.md",
    "quality-gate/model_card": "model_card.md",
}


@pytest.fixture
def output(tmp_path):
    """The folder of a run that went through every stage."""
    return write_run(tmp_path, "clinical-ner-training-2026-01-02-03-04-05")


def write_run(output, name):
    root = output / "artifacts" / name
    for task, values in OUTPUTS.items():
        write(root / task / "executor_output.json", json.dumps({"parameterValues": values}))
    write(root / "evaluate" / "evaluation", json.dumps(EVALUATION))
    write(root / "quality-gate" / "gate", json.dumps(GATE))
    write(root / "ingest" / "quarantine", "note text")
    for path in REPORTS:
        write(root / path, f"{name} {path}")
    return output


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def collect(output):
    return collect_results(TRAINING.compiled, output, {"seed": 0}, {"train": 1.5})


def test_results_hold_what_a_program_reads(output):
    """Scores, gate, model, dataset, parameters and times, the same in run.json as returned."""
    results = collect(output)
    assert results == json.loads((output / "run.json").read_text())
    assert results["metrics"]["strict"]["f1"] == 0.8
    assert results["evaluation"] == EVALUATION
    assert results["gate"] == GATE
    assert results["model"] == {"uri": "file:///registry/models/clinical-ner/v1", "digest": "sha256:bb"}
    assert (results["dataset_digest"], results["parameters"], results["seconds"]) == ("sha256:aa", {"seed": 0}, {"train": 1.5})
    assert results["log"] == str(output / "run.log")


def test_reports_get_a_name_that_opens(output):
    """Each report of the compiled pipeline is copied under its name with an extension; the quarantine file is none."""
    reports = collect(output)["reports"]
    assert set(reports.values()) == {str(output / "reports" / name) for name in REPORTS.values()}
    assert {path.name for path in (output / "reports").iterdir()} == set(REPORTS.values())
    assert (output / "reports" / "gate_report.md").read_text().endswith("quality-gate/gate_report")


def test_stage_that_did_not_run_leaves_nothing(output):
    """After a rejection there is no registration: the model has a digest and no URI."""
    (register,) = output.glob("artifacts/*/register/executor_output.json")
    register.unlink()
    assert collect(output)["model"] == {"uri": None, "digest": "sha256:bb"}


def test_results_are_of_the_newest_run(output):
    """A second run into the same folder replaces the results of the first."""
    write_run(output, "clinical-ner-training-2026-01-02-03-05-00")
    collect(output)
    assert (output / "reports" / "model_card.md").read_text().startswith("clinical-ner-training-2026-01-02-03-05-00")


def test_monitoring_without_resubmission_has_no_outcome(tmp_path):
    """Decision and reports of the stages that ran; what did not run is empty."""
    root = tmp_path / "artifacts" / "clinical-ner-monitoring-2026-01-02-03-04-05"
    write(root / "decide" / "decision", '{"action": "none"}')
    write(root / "decide" / "drift_summary", "page")
    results = collect_monitoring(MONITORING.compiled, tmp_path, {"mode": "propose"}, {"decide": 0.5})
    assert results == json.loads((tmp_path / "run.json").read_text())
    assert (results["decision"], results["outcome"]) == ({"action": "none"}, {})
    assert results["decision_path"] == str(tmp_path / "decision.json")
    assert json.loads((tmp_path / "decision.json").read_text()) == {"action": "none"}
    assert results["reports"] == {"drift_summary": str(tmp_path / "reports" / "drift_summary.html")}
