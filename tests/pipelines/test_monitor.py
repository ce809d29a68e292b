"""``python -m pipelines monitor``: the monitoring pipeline through KFP's local runner, from a log to a decision."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinical_ner.cli.resubmit import app
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import dataset_uri, load_dataset
from clinical_ner.feedback import add_corrections
from clinical_ner.resubmit import RunReference, RunState
from clinical_ner.resubmit.local_backend import LocalBackend, read_parameters
from clinical_ner.storage import open_storage
from pipelines.__main__ import app as pipelines
from tests.clinical_ner.resubmit.small_pipeline import compile_small_pipeline
from tests.clinical_ner.stages.conftest import finished  # noqa: F401  # a fixture
from tests.clinical_ner.stages.monitored import END, SHIFT, answer_two_days, make_live, store_corrections
from tests.clinical_ner.stages.stage_runs import NAME


def arguments(registry_uri, output, **options):
    chosen = {"registry_uri": registry_uri, "output": output, "window_end": END.isoformat()} | options
    return ["monitor", *(f"--{name.replace('_', '-')}={value}" for name, value in chosen.items())]


def monitor(*chosen, **options):
    """Without a process of its own for the command, only for its stages."""
    done = CliRunner().invoke(pipelines, arguments(*chosen, **options), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads((chosen[1] / "run.json").read_text()), done.output


def monitor_as_a_process(*chosen, **options):
    command = [sys.executable, "-m", "pipelines", *arguments(*chosen, **options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((chosen[1] / "run.json").read_text()), done.stdout


def logged_metrics(output, task):
    """What a step logged to its Metrics artifact."""
    (executed,) = (output / "artifacts").glob(f"*/{task}/executor_output.json")
    return json.loads(executed.read_text())["artifacts"]["metrics"]["artifacts"][0]["metadata"]


def listed(registry_uri):
    result = CliRunner().invoke(app, ["list", "--registry-uri", registry_uri, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output) if result.output.startswith("[") else []


@pytest.mark.slow
def test_undrifted_log_resubmits_nothing(finished, tmp_path):  # noqa: F811
    """Two days of ordinary notes: the decision is none or watch, the reports are there, and nothing is submitted."""
    registry_uri = make_live(finished, tmp_path)
    answer_two_days(registry_uri, 150)
    results, printed = monitor(registry_uri, tmp_path / "run")
    assert results["decision"]["action"] in {"none", "watch"}
    assert results["decision"]["window"]["notes"] == 150
    assert results["outcome"] == {}
    assert "resubmit" not in results["seconds"]
    assert listed(registry_uri) == []
    assert set(results["reports"]) == {"drift_summary", "evidently_report"}
    assert logged_metrics(tmp_path / "run", "collect-window")["notes"] == 150
    assert "deviation_percent" in logged_metrics(tmp_path / "run", "drift-report")
    for path in (*results["reports"].values(), results["decision_path"]):
        assert path in printed
        assert Path(path).stat().st_size > 500


@pytest.mark.slow
def test_shifted_log_proposes_a_training(finished, tmp_path):  # noqa: F811
    """Two days of notes from a new site with new diseases: a training is asked for, and waits for a person."""
    registry_uri = make_live(finished, tmp_path)
    answer_two_days(registry_uri, 150, SHIFT)
    results, printed = monitor(registry_uri, tmp_path / "run", corrections_uri=store_corrections(registry_uri, 60))
    assert results["decision"]["action"] in {"retrain", "experiment"}
    assert results["outcome"]["status"] == "proposed"
    (proposal,) = listed(registry_uri)
    assert (proposal["state"], proposal["action"]) == ("proposed", results["decision"]["action"])
    assert f"clinical-ner resubmit approve {proposal['id'][:12]}" in printed


@pytest.mark.slow
def test_auto_starts_a_training(finished, tmp_path):  # noqa: F811
    """Corrections that nobody names, shifted notes, mode=auto: a training runs to its end on this machine, the corrections are
    in its data, and the metrics of all stages are written.
    """
    registry_uri = make_live(finished, tmp_path)
    answer_two_days(registry_uri, 60, SHIFT)
    add_corrections(open_storage(registry_uri), NAME, synthesize(60, seed=20, shift=SHIFT))
    package, runs = compile_small_pipeline(tmp_path / "small.yaml"), tmp_path / "runs"
    results, printed = monitor_as_a_process(
        registry_uri,
        tmp_path / "run",
        mode="auto",
        training_package=package,
        training_parameters='{"max_f1_drop": 0.01}',
        runs_folder=runs,
        metrics_to=tmp_path / "metrics",
    )
    assert "resubmission: submitted" in printed
    run = RunReference.model_validate(results["outcome"]["run"])
    assert LocalBackend(package, runs).wait(run) is RunState.SUCCEEDED
    (resubmission,) = listed(registry_uri)
    parameters = read_parameters(runs / run.run_id)
    assert parameters["corpus_uri"] == dataset_uri(resubmission["dataset"])
    assert parameters["max_f1_drop"] == 0.01
    assert len(load_dataset(open_storage(registry_uri), resubmission["dataset"])) >= 60 + 50
    written = {path.name.rpartition("_")[2]: path.read_text() for path in (tmp_path / "metrics").iterdir()}
    assert set(written) == {"collect-window.prom", "decide.prom", "resubmit.prom"}
    (status,) = [line for line in written["resubmit.prom"].splitlines() if 'status="submitted"' in line]
    assert status.endswith(" 1.0")
