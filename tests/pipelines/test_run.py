"""``python -m pipelines run``: the compiled pipeline through KFP's local runner, each stage a process of its own."""

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinical_ner.datasets import load_dataset
from clinical_ner.errors import PipelineRunError
from clinical_ner.registry import Registry
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import Backend
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from pipelines.__main__ import app
from tests.clinical_ner.rollout.file_world import FileWorld
from tests.clinical_ner.rollout.stage import Stage
from tests.pipelines.training_run import arguments, command, run

pytestmark = pytest.mark.slow

REPORTS = {"data_quality", "tuning_report", "error_browser", "gate_report", "model_card", "rollout_report"}
NAME = "clinical-ner"
PATIENT = "Zebulon Quartermain"


def run_here(output, **options):
    """The same in this process, which has imported by now what a command imports first."""
    return CliRunner().invoke(app, arguments(output, **options))


def results(output):
    return json.loads((output / "run.json").read_text())


def registry(output):
    return Registry(open_storage(str(output / "registry")))


def test_approved_model_is_registered_and_live(approved):
    """The gate approves, the model becomes version v1, and it is the live one."""
    output = approved.output
    gate, model = results(output)["gate"], results(output)["model"]
    assert gate["verdict"] == "approve"
    champion = registry(output).champion("clinical-ner")
    assert (champion.version, champion.state, champion.digest) == ("v1", "live", model["digest"])
    assert model["uri"] == champion.uri
    assert Tagger.from_files(registry(output).files("clinical-ner", "v1"), expected_digest=model["digest"])


def test_run_json_holds_what_a_program_reads(approved):
    """Parameters, seconds of every stage, scores, checks and report paths."""
    output = approved.output
    run_json = results(output)
    assert run_json["parameters"]["n_trials"] == 2
    assert run_json["parameters"]["seed"] == 0
    assert set(run_json["seconds"]) >= {
        "ingest",
        "preprocess",
        "tune",
        "train",
        "evaluate",
        "quality-gate",
        "register",
        "rollout",
    }
    strict = run_json["metrics"]["strict"]
    assert 0.4 < strict["f1"] < 0.99
    assert set(strict["per_label"]) == {"DISEASE", "TREATMENT"}
    assert all(check["reason"] for check in run_json["gate"]["checks"])
    assert set(run_json["reports"]) == REPORTS
    assert all(Path(path).stat().st_size > 500 for name, path in run_json["reports"].items() if name != "rollout_report")
    assert "no rollout was asked for" in Path(run_json["reports"]["rollout_report"]).read_text()
    assert run_json["rollout"] == {"name": "", "outcome": "none"}


def test_run_prints_progress_and_where_reports_lie(approved):
    """A person sees each stage end with its time, the scores, and a path for each report."""
    output, printed, _ = approved
    assert "quality-gate   done" in printed
    for report in REPORTS:
        assert f"{report}: {output / 'reports' / report}" in printed


def test_no_note_text_outside_the_corpus(approved):
    """Reports with masked notes, logs and run.json hold none of the notes' lines."""
    output, printed, _ = approved
    notes = load_dataset(open_storage(str(output / "registry")), results(output)["dataset_digest"])
    lines = {line for note in notes for line in note.text.splitlines() if len(line) > 30}
    written = [path.read_text() for path in [*(output / "reports").iterdir(), output / "run.log", output / "run.json"]]
    assert len(lines) > 200
    assert not [line for text in [printed, *written] for line in lines if line in text]


@contextmanager
def advanced_rollouts(storage, digests):
    """Somebody advances the rollouts of a service with users, which these versions may serve; v0 does at first."""
    world = FileWorld(storage)
    world.create(Backend("v0", digests["v0"], ready=True), digests)
    runner = Runner(StoredRollouts(storage, NAME), world, world, Registry(storage), NAME, timer=world.now)
    stopped = threading.Event()

    def advance():
        while not stopped.wait(0.05):
            runner.tick()

    thread = threading.Thread(target=advance, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join()


def test_parameters_replayed_into_a_bucket_go_live_by_a_rollout(approved, s3_uri, tmp_path):
    """The recorded parameters of a version replay to its digest, with an s3:// registry, where every stage works on the bucket
    alone; that a whole run repeats to it, the next test shows. The run waits until the version's rollout has made it live.
    """
    first = approved
    parameters = first.output / "registry" / "models" / NAME / "v1" / "manifest.json"
    digest, storage = first.results["model"]["digest"], open_storage(s3_uri)
    plan = Stage().set_out().spec.plan.model_dump_json()
    with advanced_rollouts(storage, {"v0": "sha256:" + "0" * 64, "v1": digest}):
        waits = {"rollout_target": "local:service", "rollout_plan": plan, "rollout_wait_minutes": 3}
        done = run(tmp_path, registry_uri=s3_uri, params_uri=parameters, n_trials=1, **waits)
    assert done.returncode == 0, done.stdout + done.stderr
    champion = Registry(storage).champion(NAME)
    assert (champion.version, champion.state, champion.digest) == ("v1", "live", digest)
    assert results(tmp_path)["model"]["uri"] == champion.uri == f"{s3_uri}/models/{NAME}/v1"
    assert results(tmp_path)["rollout"] == {"name": "v1", "outcome": "succeeded"}
    assert "Rollout v1 of clinical-ner: succeeded" in (tmp_path / "reports" / "rollout_report.md").read_text()
    assert [change.actor for change in Registry(storage).history(NAME, "v1")][-1] == "rollout v1 (training-pipeline)"


def test_rejected_model_is_not_registered(approved, tmp_path):
    """A floor that nothing reaches: the run ends well, says why, and leaves no version; the model is the same to the bit."""
    first = approved
    done = run_here(tmp_path, min_f1=0.999)
    assert done.exit_code == 0, done.exception
    assert results(tmp_path)["model"]["digest"] == first.results["model"]["digest"]
    assert results(tmp_path)["gate"]["verdict"] == "reject"
    assert results(tmp_path)["model"]["uri"] is None
    assert results(tmp_path)["rollout"] == {"name": None, "outcome": None}
    assert "failed: F1 of DISEASE" in done.stdout
    assert registry(tmp_path).versions("clinical-ner") == []


def test_second_run_is_judged_against_the_champion(approved):
    """The same model again is not inferior to itself, and is the same version; approval is left to a person."""
    output = approved.output
    done = run(output, approval_required=True, tuning_workers=2)
    assert done.returncode == 0, done.stdout + done.stderr
    gate = results(output)["gate"]
    checks = {check["name"]: check for check in gate["checks"]}
    assert gate["champion"] == "v1"
    assert checks["non-inferior to the champion"]["verdict"] in {"pass", "fail"}
    assert checks["test notes unseen by the champion"]["value"] == "0"
    assert gate["comparison"]["strict.f1"]["ratio"] > 0.5


def test_bad_record_stops_the_run_and_leaves_nothing(tmp_path):
    """The error names stage, file, line and field, and no dataset or model is written."""
    corpus = tmp_path / "notes.jsonl"
    good = {"id": "a", "text": f"{PATIENT} has gout.", "entities": [{"start": 24, "end": 28, "label": "DISEASE"}]}
    bad = {**good, "id": "b", "entities": [{"start": 24, "end": 999, "label": "DISEASE"}]}
    corpus.write_text("\n".join(map(json.dumps, (good, bad))))
    done = run(tmp_path / "out", corpus_uri=corpus, corpus_format="jsonl")
    assert done.returncode == 1
    assert "stage ingest failed" in done.stderr
    assert "notes.jsonl:2: entities[0]: offsets 24:999" in done.stderr
    assert PATIENT not in done.stdout + done.stderr + (tmp_path / "out" / "run.log").read_text()
    assert not list((tmp_path / "out").glob("registry/**/*.json*"))


def test_corpus_too_small_to_split_says_so(tmp_path):
    """Three notes cannot be split: the stage and the remedy are named."""
    done = run_here(tmp_path, corpus_uri="synthetic://?notes=3&seed=0")
    assert isinstance(done.exception, PipelineRunError)
    assert "stage ingest failed" in str(done.exception)
    assert "too small to split" in str(done.exception)


def test_killed_run_leaves_no_version(tmp_path):
    """Killed while it trains, a run leaves nothing that looks like a model."""
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    log = tmp_path / "run.log"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (log.exists() and "'train'" in log.read_text()):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "'train'" in log.read_text()
    assert registry(tmp_path).versions("clinical-ner") == []
    assert not (tmp_path / "run.json").exists()
