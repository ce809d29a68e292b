"""Resubmission to a KFP API on a real socket, which starts a second workflow whenever a run is posted twice."""

import multiprocessing
import os
import signal
import time as wall_time
from datetime import timedelta

import pytest

from clinical_ner.clock import utc_now
from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions
from clinical_ner.pipeline_runs.remote.creation import Patience, run_id_for
from clinical_ner.resubmit import Request, ResubmitRules, Resubmitter, RunReference, RunState
from clinical_ner.resubmit.kfp_backend import KfpBackend
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import NAME, notes
from tests.clinical_ner.resubmit.small_pipeline import compile_small_pipeline
from tests.doubles.kfp_api import Fault, running_kfp_api
from tests.doubles.kfp_store import Script

PROCESSES = multiprocessing.get_context("fork")
RULES = ResubmitRules(mode="auto", min_new_documents=5)
RUNS = "/apis/v2beta1/runs"
LEASE_SECONDS = 60.0


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return compile_small_pipeline(tmp_path_factory.mktemp("package") / "small.yaml")


@pytest.fixture
def api():
    with running_kfp_api() as running:
        running.store.script = Script(steps=("work",), stuck_step="work")
        yield running


@pytest.fixture
def kfp(api, package, tmp_path):
    """``kfp(**options)``: a backend for ``api`` that waits for nothing longer than a moment."""

    def build(**changes):
        defaults = {
            "host": api.host,
            "token_file": tmp_path / "none",
            "request_seconds": 2,
            "patience": Patience(settle_seconds=0.3, poll_seconds=0.02),
            "allow_file_uris": True,
        }
        return KfpBackend(package, SubmitOptions(**{**defaults, **changes}))

    return build


@pytest.fixture
def drifted(live, correct, storage_uri):
    live(storage_uri, notes(0, 40))
    return correct(storage_uri, notes(100, 10))


def monitor(uri, backend, *, owner="m", clock=utc_now):
    return Resubmitter(uri, NAME, backend, RULES, owner, lease_seconds=LEASE_SECONDS, clock=clock)


def test_resubmission_creates_one_run_with_its_parameters(storage_uri, drifted, api, kfp, time):
    """Ten drifted windows: one workflow, named after cause and attempt, with the new dataset; the record holds its link."""
    outcomes = []
    for _ in range(10):
        outcomes.append(monitor(storage_uri, kfp(), clock=time).consider(drifted))
        time.pass_hours(1)
    (run_id,) = api.store.workflows
    run = api.store.runs[run_id]
    assert outcomes[0].status == "submitted"
    assert outcomes[0].run == RunReference(run_id=run_id, link=f"{api.host}/#/runs/details/{run_id}")
    assert run.display_name == f"resubmission {outcomes[0].cause_id[:12]}, attempt 1"
    assert run.runtime_config.parameters["corpus_uri"].startswith("dataset://sha256:")
    assert {outcome.status for outcome in outcomes[1:]} == {"refused"}


@pytest.mark.parametrize(
    ("script", "states"),
    [
        (Script(steps=("work",)), ["running", "running", "running", "succeeded"]),
        (Script(steps=("work",), failing_step="work"), ["running", "running", "running", "failed"]),
        (Script(steps=("work",), failing_step="work", recovers=True), ["running"] * 3 + ["failed", "running", "succeeded"]),
    ],
)
def test_states_are_followed(api, kfp, script, states):
    """PENDING and no state at all are running; failed is what it is now, and can be left again."""
    api.store.script = script
    run = kfp().submit("key", {})
    assert [kfp().state(run) for _ in states] == states


def test_run_that_the_server_does_not_have_is_missing(kfp):
    """Only a 404 means that there is none."""
    assert kfp().state(RunReference(run_id="nowhere", link="")) is RunState.MISSING


@pytest.mark.parametrize("status", [401, 403, 500, 503, 0])
def test_state_is_unknown_when_the_server_does_not_answer(api, kfp, status):
    """Every other answer is an error, never an end of the run."""
    run = kfp().submit("key", {})
    api.faults.append(Fault("GET", f"{RUNS}/", status=status, times=100))
    with pytest.raises(PipelineRunError, match="cannot look for run"):
        kfp().state(run)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500, 503])
@pytest.mark.parametrize(("method", "path"), [("GET", RUNS), ("GET", "/pipelines"), ("POST", "/experiments"), ("POST", RUNS)])
def test_refused_submission_is_gone_on_with(file_uri, live, correct, api, kfp, method, path, status):
    """Whatever refuses, nothing runs twice: the record waits, a person is told, and the next call makes the one run."""
    live(file_uri, notes(0, 40))
    drifted = correct(file_uri, notes(100, 10))
    api.faults.append(Fault(method, path, status=status, times=1000))
    outcome = monitor(file_uri, kfp()).consider(drifted)
    if not api.store.workflows:
        assert (outcome.status, len(outcome.alerts)) == ("submitting", 1)
    api.faults.clear()
    monitor(file_uri, kfp()).consider(Request(action="none"))
    assert len(api.store.workflows) == 1
    (record,) = RecordStore(open_storage(file_uri), NAME).records()
    assert record.state is State.SUBMITTED


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", RUNS, status=0, carry_out=True),
        Fault("POST", RUNS, status=504, carry_out=True),
        Fault("POST", RUNS, delay_seconds=3, carry_out=True),
    ],
    ids=["broken connection", "gateway", "time-out"],
)
def test_lost_reply_to_the_create_makes_no_second_workflow(storage_uri, drifted, api, kfp, fault):
    """The run was created and the reply lost: it is found, not posted again."""
    fault.times = 1
    api.faults.append(fault)
    assert monitor(storage_uri, kfp()).consider(drifted).status == "submitted"
    assert len(api.store.workflows) == 1


def test_run_that_appears_late_makes_no_second_workflow(file_uri, live, correct, api, kfp):
    """The reply is lost and the run is not to be found for a while: it is waited for, not posted again."""
    live(file_uri, notes(0, 40))
    api.store.hidden_polls = 4
    api.faults.append(Fault("POST", RUNS, status=0, carry_out=True))
    patient = kfp(patience=Patience(settle_seconds=30, poll_seconds=0.02))
    assert monitor(file_uri, patient).consider(correct(file_uri, notes(100, 10))).status == "submitted"
    assert len(api.store.workflows) == 1


def test_server_that_dies_after_the_create_makes_no_second_workflow(file_uri, live, correct, api, kfp):
    """The create was carried out, then nothing answers: the record waits, and finds the run when the server is back."""
    live(file_uri, notes(0, 40))
    api.faults += [
        Fault("POST", RUNS, status=0, carry_out=True),
        Fault("GET", f"{RUNS}/", times=1),
        Fault("GET", f"{RUNS}/", times=1),
        Fault("GET", f"{RUNS}/", status=503, times=10_000),
    ]
    outcome = monitor(file_uri, kfp()).consider(correct(file_uri, notes(100, 10)))
    assert outcome.status == "submitting"
    assert "may or may not have been created" in outcome.reason
    api.faults.clear()
    assert monitor(file_uri, kfp()).consider(Request(action="none")).alerts == ()
    assert len(api.store.workflows) == 1


def test_two_monitors_at_once_make_one_workflow(storage_uri, drifted, api, kfp):
    """Four processes that decide the same at the same moment, long between looking and posting, make one workflow."""
    api.faults.append(Fault("GET", f"{RUNS}/", delay_seconds=0.5, times=1000))
    start = PROCESSES.Event()

    def consider(owner):
        start.wait()
        monitor(storage_uri, kfp(), owner=owner).consider(drifted)

    monitors = [PROCESSES.Process(target=consider, args=(f"m{number}",)) for number in range(4)]
    for process in monitors:
        process.start()
    start.set()
    for process in monitors:
        process.join(60)
    assert [process.exitcode for process in monitors] == [0] * 4
    assert len(api.store.workflows) == 1


def test_monitor_killed_while_it_submits_is_followed_by_one_workflow(storage_uri, drifted, api, kfp):
    """Killed while the API works on the create: after the lease the next monitor finds the run and posts nothing."""
    api.faults.append(Fault("POST", RUNS, delay_seconds=30, carry_out=True))
    process = PROCESSES.Process(target=lambda: monitor(storage_uri, kfp()).consider(drifted))
    process.start()
    while not api.store.workflows:
        wall_time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    after_the_lease = utc_now() + timedelta(seconds=LEASE_SECONDS)
    monitor(storage_uri, kfp(), owner="next", clock=lambda: after_the_lease).consider(drifted)
    assert api.store.workflows == [run_id_for(RecordStore(open_storage(storage_uri), NAME).records()[0].key)]
