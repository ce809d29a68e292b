"""``python -m pipelines monitor``: the monitoring pipeline through KFP's local runner, from a log to a decision."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinical_ner.cli.resubmit import app
from tests.clinical_ner.stages.conftest import finished  # noqa: F401  # a fixture
from tests.clinical_ner.stages.monitored import END, SHIFT, answer_two_days, make_live, store_corrections


def monitor(registry_uri, output, **options):
    chosen = {"registry_uri": registry_uri, "output": output, "window_end": END.isoformat()} | options
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
    command = [sys.executable, "-m", "pipelines", "monitor", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((output / "run.json").read_text()), done.stdout


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
