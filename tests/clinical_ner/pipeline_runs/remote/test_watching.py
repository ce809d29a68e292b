"""Waiting for a run: its steps as they go, its end, and where to look when it fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.progress import RunProgress, Step
from clinical_ner.pipeline_runs.remote import SubmitOptions, SubmittedRun, submit, wait_for_run
from tests.doubles.kfp_api import Fault, KfpApi
from tests.doubles.kfp_store import Script

STEPS = ("ingest", "preprocess", "train")


@pytest.fixture
def run(api: KfpApi, options: Callable[..., SubmitOptions], package_path: Path) -> SubmittedRun:
    api.store.script = Script(STEPS)
    return submit(package_path, {}, options())


def wait(run: SubmittedRun, *, timeout_seconds: float = 30) -> list[tuple[str, str]]:
    """The changes of steps that were reported until the run ended."""
    seen: list[tuple[str, str]] = []

    def note(step: Step) -> None:
        seen.append((step.task, step.state))

    wait_for_run(run, RunProgress(on_change=note), timeout_seconds=timeout_seconds, poll_seconds=0.01)
    return seen


def test_waiting_shows_each_step_start_and_end(run: SubmittedRun) -> None:
    """Steps are reported as they start and end; drivers, executors and the root are not steps."""
    assert wait(run) == [(step, state) for step in STEPS for state in ("running", "done")]


def test_waiting_takes_durations_from_the_server(run: SubmittedRun) -> None:
    """A step that ended between two polls has the server's seconds."""
    progress = RunProgress()
    wait_for_run(run, RunProgress(), timeout_seconds=30, poll_seconds=0.01)
    wait_for_run(run, progress, timeout_seconds=30, poll_seconds=0.01)
    assert progress.seconds_by_task() == pytest.approx(dict.fromkeys(STEPS, 42.0), abs=1)


def test_waiting_names_the_failed_step_and_where_its_log_lies(api: KfpApi, run: SubmittedRun) -> None:
    """The API holds no reason, so the message leads to the UI, the artifact and the pod."""
    api.store.script.failing_step = "preprocess"
    with pytest.raises(PipelineRunError) as failure:
        wait(run)
    message = str(failure.value)
    assert message.startswith(f"step preprocess failed (run {run.run_id})")
    assert run.link in message
    assert "executor-logs" in message
    assert f"kubectl get pods -n kubeflow -l pipeline/runid={run.run_id} --field-selector status.phase=Failed" in message
    assert "kubectl logs -n kubeflow POD -c main" in message


def test_waiting_names_a_step_that_never_started(api: KfpApi, run: SubmittedRun) -> None:
    """A step whose driver failed is named, not its driver."""
    api.store.script.failing_step, api.store.script.driver_fails = "train", True
    with pytest.raises(PipelineRunError, match=r"^step train failed"):
        wait(run)


def test_waiting_goes_on_when_a_failed_run_runs_again(api: KfpApi, run: SubmittedRun) -> None:
    """FAILED is not the end when the next poll sees RUNNING: a retried run succeeds."""
    api.store.script.failing_step, api.store.script.recovers = "ingest", True
    assert wait(run)[:4] == [("ingest", "running"), ("ingest", "failed"), ("ingest", "running"), ("ingest", "done")]


def test_waiting_has_a_deadline_and_the_run_goes_on(api: KfpApi, run: SubmittedRun) -> None:
    """A stuck step ends the waiting, not the run; the message says how to look at it and stop it."""
    api.store.script.stuck_step = "ingest"
    with pytest.raises(PipelineRunError, match=r"has not ended within 0.2 s; it goes on\n.*Terminate.*runs/details"):
        wait(run, timeout_seconds=0.2)
    assert not [request for request in api.requests if "terminate" in request]


def test_waiting_says_that_a_run_was_cancelled(api: KfpApi, run: SubmittedRun) -> None:
    """A terminated run is no failure of a step."""
    api.store.terminate_run(run.run_id)
    with pytest.raises(PipelineRunError, match="was cancelled"):
        wait(run)


@pytest.mark.parametrize("status", [0, 500, 503])
def test_waiting_outlasts_a_server_that_is_away_for_a_moment(api: KfpApi, run: SubmittedRun, status: int) -> None:
    """An API that restarts in the middle of a run costs polls, not the run."""
    api.faults.append(Fault("GET", "/runs/", status=status, times=4))
    assert wait(run)[-1] == ("train", "done")


@pytest.mark.parametrize(("status", "expected"), [(401, "not logged in"), (404, "not found"), (500, "the server failed")])
def test_waiting_stops_when_the_server_will_not_answer(api: KfpApi, run: SubmittedRun, status: int, expected: str) -> None:
    """A token that expired ends the waiting at once, a server that keeps failing after a while; the run goes on."""
    api.faults.append(Fault("GET", "/runs/", status=status, times=1000))
    with pytest.raises(PipelineRunError, match=f"which goes on .*{expected}"):
        wait(run)
    polls = sum("GET /apis/v2beta1/runs/" in request for request in api.requests)
    assert polls == (12 if status == 500 else 1)
