"""The monitoring pipeline, compiled and run, against a KFP API on a real socket: from a log to one training workflow."""

import json
import subprocess
import sys

import pytest

from clinical_ner.storage import open_storage
from pipelines.definitions import TRAINING
from tests.clinical_ner.stages.conftest import finished  # noqa: F401  # a fixture
from tests.clinical_ner.stages.monitored import END, SHIFT, answer_two_days, make_live, store_corrections
from tests.doubles.kfp_api import running_kfp_api
from tests.doubles.kfp_store import Script


def start(output, **options):
    chosen = {"output": output, "window_end": END.isoformat(), "mode": "auto"} | options
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", "monitor", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_two_monitors_at_once_submit_one_training(finished, s3_uri, tmp_path):  # noqa: F811
    """Both see the same two shifted days and submit to the same API: one workflow of the training pipeline comes of it."""
    make_live(finished, tmp_path, registry_uri=s3_uri)
    answer_two_days(s3_uri, 150, SHIFT)
    corrections_uri = store_corrections(s3_uri, 60)
    open_storage(s3_uri).write("pipelines/training.yaml", TRAINING.compiled.read_bytes())
    with running_kfp_api() as api:
        api.store.script = Script(steps=("ingest",), stuck_step="ingest")
        shared = {
            "registry_uri": s3_uri,
            "corrections_uri": corrections_uri,
            "kfp_host": api.host,
            "training_package": f"{s3_uri}/pipelines/training.yaml",
        }
        monitors = {tmp_path / name: start(tmp_path / name, **shared) for name in ("one", "two")}
        for output, monitor in monitors.items():
            printed, _ = monitor.communicate(timeout=280)
            assert monitor.returncode == 0, printed
            assert json.loads((output / "run.json").read_text())["decision"]["action"] in {"retrain", "experiment"}
    outcomes = [json.loads((output / "run.json").read_text())["outcome"] for output in monitors]
    (run_id,) = api.store.workflows
    assert sorted(outcome["status"] for outcome in outcomes) == ["refused", "submitted"]
    assert {outcome["run"]["run_id"] for outcome in outcomes if outcome["run"]} == {run_id}
    (version,) = api.store.versions.values()
    assert version.pipeline_spec["pipelineInfo"]["name"] == TRAINING.name
