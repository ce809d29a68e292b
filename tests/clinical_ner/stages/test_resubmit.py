"""The resubmit stage in a cluster: a decision in, one workflow at a KFP API on a real socket out; models lie in a bucket."""

import multiprocessing
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli.resubmit import app
from clinical_ner.datasets import store_dataset
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.pipeline_runs.remote.creation import run_id_for
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import Holding
from clinical_ner.resubmit.parameters import searched_parameters
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.stages.resubmit import limits_of, resubmit
from clinical_ner.storage import open_storage
from pipelines.definitions import TRAINING
from tests.clinical_ner.resubmit.conftest import NAME, live, model, notes  # noqa: F401  # two are fixtures
from tests.doubles.kfp_api import Fault, running_kfp_api
from tests.doubles.kfp_store import Script

PROCESSES = multiprocessing.get_context("fork")
RUNS = "/apis/v2beta1/runs"
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
LOCK = f"resubmit/{NAME}/lock.json"


@pytest.fixture
def api():
    with running_kfp_api() as running:
        running.store.script = Script(steps=("train",), stuck_step="train")
        yield running


@pytest.fixture
def corrections(s3_uri, live):  # noqa: F811
    """The digest of corrections to a live version's data."""
    live(s3_uri, notes(0, 40))
    return store_dataset(open_storage(s3_uri), notes(100, 10), reader="feedback", parameters={}).digest


@pytest.fixture
def stage(api, s3_uri, corrections, tmp_path):
    """``stage(number)``: the stage on the decision of that window, as the pipeline calls it; its status and outcome."""

    def run(number=0, action="retrain", *, package=TRAINING.compiled, **limits):
        folder = tmp_path / f"{os.getpid()}-{number}-{time.monotonic_ns()}"
        folder.mkdir()
        drifted = decision_on(number, action, corrections if action != "none" else "")
        (folder / "decision").write_text(drifted.model_dump_json())
        status = resubmit(
            model_name=NAME,
            registry_uri=s3_uri,
            log_uri="",
            samples_uri="",
            decision_path=folder / "decision",
            limits=limits_of(**{"mode": "auto", "min_new_documents": 5, **limits}),
            training_parameters='{"min_f1": 0.5}',
            training_package=str(package),
            kfp_host=api.host,
            kfp_namespace="",
            runs_folder=str(folder / "runs"),
            roll_back_on="never",
            rollout_target="",
            metrics_to="",
            outcome_path=folder / "outcome",
        )
        return status, orjson.loads((folder / "outcome").read_bytes())

    return run


def decision_on(number, action, corrections=""):
    """The decision on the window of day ``number``, and the one before it."""
    windows = [
        WindowDrift(
            model_name=NAME,
            model_version="v1",
            model_digest="",
            start=NOON + timedelta(days=day),
            end=NOON + timedelta(days=day + 1),
            notes=500,
            refused=0,
            deviation=7.0,
        )
        for day in (number - 1, number)
    ]
    reasons = ("tokens deviates by 7.0 %.",)
    fields = {"deviation": 7.0, "columns": ("tokens",), "reasons": reasons, "corrections": corrections, "rules": DriftRules()}
    return Decision(action=action, previous=windows[0], window=windows[1], **fields)


def records(uri):
    return RecordStore(open_storage(uri), NAME).records()


def let_the_lease_end(uri):
    """As if the holder's half hour were over."""
    storage = open_storage(uri)
    held = Holding.model_validate_json(storage.read(LOCK))
    assert held.expires
    storage.write(LOCK, held.model_copy(update={"expires": NOON.replace(year=2020)}).to_json())


def in_processes(count, run):
    """Run in that many processes at the same moment."""
    start = PROCESSES.Event()

    def wait_and_run():
        start.wait()
        run()

    processes = [PROCESSES.Process(target=wait_and_run) for _ in range(count)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * count


def test_ten_consecutive_drifted_windows_make_one_workflow(stage, api, s3_uri):
    """The first submits the real training pipeline with the new data by digest, the others are refused and say why."""
    answers = [stage(number) for number in range(10)]
    assert [status for status, _ in answers] == ["submitted", *["refused"] * 9]
    assert {"a run is in flight" in outcome["reason"] for _, outcome in answers[1:]} == {True}
    (run_id,) = api.store.workflows
    run = api.store.runs[run_id]
    (record,) = records(s3_uri)
    assert run_id == run_id_for(record.key)
    sent = run.runtime_config.parameters
    assert sent["corpus_uri"] == f"dataset://{record.cause.dataset_digest}"
    assert (sent["registry_uri"], sent["model_name"], sent["min_f1"]) == (s3_uri, NAME, 0.5)
    version = api.store.versions[run.pipeline_version_reference.pipeline_version_id]
    assert version.pipeline_spec["pipelineInfo"]["name"] == TRAINING.name


def test_finished_training_is_not_repeated_by_later_windows(stage, api, s3_uri):
    """Ten windows around the end of the run: the same data for the same cause are trained once."""
    for number in range(5):
        stage(number, cool_down_hours=0)
    api.store.script = Script(steps=("train",))
    answers = [stage(number, cool_down_hours=0) for number in range(5, 10)]
    assert len(api.store.workflows) == 1
    assert "the same data were trained for the same cause already" in answers[-1][1]["reason"]
    assert records(s3_uri)[0].state is State.SUCCEEDED


def test_two_monitors_at_once_make_one_workflow(stage, api, s3_uri):
    """Two processes, one decision, and long between looking for the run and posting it."""
    api.faults.append(Fault("GET", f"{RUNS}/", delay_seconds=0.5, times=1000))
    in_processes(2, stage)
    assert len(api.store.workflows) == 1
    assert [record.state for record in records(s3_uri)] == [State.SUBMITTED]


def test_kill_between_lock_and_submit_makes_one_workflow(stage, api, s3_uri):
    """Killed before it posted: kept out for the lease, the next one submits under the same key."""
    api.faults.append(Fault("GET", f"{RUNS}/", delay_seconds=30))
    process = PROCESSES.Process(target=stage)
    process.start()
    while not any(request.startswith(f"GET {RUNS}/") for request in api.requests):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    assert [record.state for record in records(s3_uri)] == [State.SUBMITTING]
    status, outcome = stage(1)
    assert (status, outcome["reason"][:24]) == ("refused", "another process is at it")
    assert not api.store.workflows
    let_the_lease_end(s3_uri)
    stage(2)
    stage(3)
    assert api.store.workflows == [run_id_for(records(s3_uri)[0].key)]


def test_kill_while_the_api_creates_makes_one_workflow(stage, api, s3_uri):
    """Killed after it posted and before the reply: the next one finds the run."""
    api.faults.append(Fault("POST", RUNS, delay_seconds=30, carry_out=True))
    process = PROCESSES.Process(target=stage)
    process.start()
    while not api.store.workflows:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    let_the_lease_end(s3_uri)
    status, outcome = stage(1, action="none")
    assert (status, outcome["alerts"]) == ("nothing", [])
    assert len(api.store.workflows) == 1
    assert records(s3_uri)[0].state is State.SUBMITTED


@pytest.mark.parametrize("status", [0, 502, 504])
def test_time_out_at_submit_makes_one_workflow(stage, api, status):
    """The run was created and the reply lost on its way: it is found at once, and nothing is posted again."""
    api.faults.append(Fault("POST", RUNS, status=status, carry_out=True))
    answer, outcome = stage()
    assert (answer, outcome["run"]["run_id"]) == ("submitted", api.store.workflows[0])
    stage(1)
    assert api.requests.count(f"POST {RUNS}") == len(api.store.workflows) == 1


@pytest.mark.parametrize("status", [401, 403, 409])
def test_refusal_is_told_and_gone_on_with(stage, api, status):
    """The stage succeeds and its outcome tells what the API said; once the right is there the next window submits."""
    api.faults.append(Fault("GET", "/pipelines", status=status, times=1000))
    answer, outcome = stage()
    assert answer == "submitting"
    assert "is in doubt and will be gone on with: cannot look up pipeline" in outcome["alerts"][0]
    api.faults.clear()
    assert stage(1, action="none")[0] == "nothing"
    assert len(api.store.workflows) == 1


def test_failed_training_leaves_the_champion_and_waits(stage, api, s3_uri):
    """An alert with the run's link, the live version as it was, and no second run before the cool-down is over."""
    stage()
    api.store.script = Script(steps=("train",), failing_step="train")
    for _ in range(4):  # as the run's states follow each other
        status, outcome = stage(1)
    assert (status, outcome["reason"][:7]) == ("refused", "cooling")
    (alert,) = outcome["alerts"]
    assert "failed, attempt 1" in alert
    assert f"{api.host}/#/runs/details/{api.store.workflows[0]}" in alert
    assert Registry(open_storage(s3_uri)).champion(NAME).version == "v1"
    assert stage(2, cool_down_hours=0)[0] == "submitted"
    assert len(set(api.store.workflows)) == 2


def test_experiment_searches_wide_and_its_model_waits(stage, api):
    """What arrives at the API asks for the wide search, more trials, and an approval."""
    assert stage(action="experiment")[0] == "submitted"
    (run,) = api.store.runs.values()
    sent = run.runtime_config.parameters
    assert (sent["search_space"], sent["n_trials"], sent["approval_required"]) == ("wide", 40, True)
    assert sent["first_trial"] == ""


def test_roll_back_trains_once_with_other_parameters(stage, api, s3_uri, live):  # noqa: F811
    """The version before is live again; the rejected parameters are left out, and the sampler's seed is the cause's."""
    rejected = live(s3_uri, notes(0, 80), c1=0.3).manifest
    answers = [stage(number, action="roll-back") for number in range(2)]
    assert [status for status, _ in answers] == ["submitted", "refused"]
    assert Registry(open_storage(s3_uri)).champion(NAME).version == "v1"
    (run,) = api.store.runs.values()
    sent = run.runtime_config.parameters
    assert orjson.loads(sent["excluded_trials"]) == [searched_parameters(rejected)]
    assert sent["tuning_seed"] == int(answers[0][1]["cause_id"][:7], 16)


def test_proposal_is_submitted_once_by_approval(stage, api, s3_uri):
    """In propose mode nothing is posted; `resubmit approve` posts it, once, and the monitor sees the run in flight."""
    status, outcome = stage(mode="propose")
    assert (status, api.store.workflows) == ("proposed", [])
    arguments = ("approve", outcome["cause_id"][:12], "--reason", "real", "--registry-uri", s3_uri, "--host", api.host)
    for _ in range(2):
        approved = CliRunner().invoke(app, [*arguments, "--package", str(TRAINING.compiled)], catch_exceptions=False)
        assert approved.exit_code == 0, approved.output
        assert f"{api.host}/#/runs/details/{api.store.workflows[0]}" in approved.output
    assert "a run is in flight" in stage(1, mode="propose")[1]["reason"]
    assert len(api.store.workflows) == 1


def test_run_that_was_deleted_at_the_server_counts_as_failed(stage, api, s3_uri):
    """A 404 for the run is told, and does not block the model for ever."""
    stage()
    api.store.runs.clear()
    _, outcome = stage(1)
    assert "the backend has the run no longer" in outcome["alerts"][0]
    assert records(s3_uri)[0].state is State.FAILED


def test_training_pipeline_is_read_from_a_bucket(stage, api, s3_uri):
    """The file that the platform team compiled, with its image and secrets, named by its URI."""
    open_storage(s3_uri).write("pipelines/training.yaml", TRAINING.compiled.read_bytes())
    assert stage(package=f"{s3_uri}/pipelines/training.yaml")[0] == "submitted"
    assert len(api.store.workflows) == 1


def test_missing_training_pipeline_is_said_and_submits_nothing(stage, api):
    """A path that the step does not see: refused, with the path and what to do, as an alert too."""
    status, outcome = stage(package="pipelines/no-such.yaml")
    assert status == "refused"
    assert "training_package pipelines/no-such.yaml, seen from" in outcome["reason"]
    assert "by its s3:// URI, or in the step's image" in outcome["alerts"][0]
    assert not api.store.workflows
