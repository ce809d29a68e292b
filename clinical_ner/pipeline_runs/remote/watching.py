"""Waiting for a run, and saying where to look when it fails: the API tells which step failed and never why."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.progress import RunProgress, State, Step
from clinical_ner.pipeline_runs.remote.endpoint import Failure, may_pass
from clinical_ner.pipeline_runs.remote.submission import SubmittedRun

POLL_SECONDS = 5.0
_UNCLEAR_POLLS = 12
"""Polls in a row without a clear reply after which watching is given up."""

_DRIVER = "-driver"
_STATES: dict[str, State] = {
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "SKIPPED": "done",
    "FAILED": "failed",
    "CANCELED": "failed",
}


@dataclass(slots=True)
class RunWatch:
    """Copies the states of a run's steps into a :class:`RunProgress`, poll by poll."""

    progress: RunProgress
    steps: frozenset[str]
    _seen: dict[str, Step] = field(default_factory=dict)

    def update(self, tasks: Iterable[Any]) -> None:
        """Take in the tasks of one poll; steps of loops come once per iteration, and a failed one may run again."""
        for task in tasks:
            state = _STATES.get(task.state or "")
            if state and task.display_name in self.steps:
                self._set(task, state)

    def _set(self, task: Any, state: State) -> None:
        now = self.progress.clock()
        step = self._seen.get(task.task_id)
        if step is None:
            step = self._seen[task.task_id] = Step(task.display_name, now - _seconds(task), state="running")
            self.progress.steps.append(step)
            self.progress.on_change(step)
        if step.state != state:
            step.state, step.ended = state, None if state == "running" else now
            step.note = "skipped" if task.state == "SKIPPED" else ""
            self.progress.on_change(step)


def wait_for_run(
    run: SubmittedRun,
    progress: RunProgress,
    *,
    timeout_seconds: float,
    poll_seconds: float = POLL_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the run has succeeded.

    The deadline is our own: a step whose image or secret is missing stays RUNNING for ever.

    Raises:
        PipelineRunError: the run failed or was cancelled (the message names the step and where its log lies), did not end
            within ``timeout_seconds`` (it goes on), or the server stopped answering.
    """
    watch = RunWatch(progress, run.steps)
    deadline = time.monotonic() + timeout_seconds
    ended = ""
    while True:
        reply = _poll(run, deadline, poll_seconds, sleep)
        tasks = (reply.run_details.task_details if reply.run_details else None) or []
        watch.update(tasks)
        if reply.state in {"SUCCEEDED", "SKIPPED"}:
            return
        if reply.state in {"FAILED", "CANCELED"} and ended == reply.state:
            raise PipelineRunError(_failure(run, reply.state, tasks))
        # A retried run is FAILED and then RUNNING again: an end counts when the next poll sees it too.
        ended = reply.state or ""
        if time.monotonic() >= deadline:
            raise PipelineRunError(_overdue(run, timeout_seconds))
        sleep(poll_seconds)


def failed_steps(tasks: Iterable[Any], steps: frozenset[str]) -> list[str]:
    """Names of the steps that failed; a step whose driver failed never started. Empty when the API reports none."""
    failed = [task.display_name or "" for task in tasks if task.state == "FAILED"]
    named = [name for name in failed if name in steps]
    undriven = [name.removesuffix(_DRIVER) for name in failed if name.endswith(_DRIVER) and name.removesuffix(_DRIVER) in steps]
    return list(dict.fromkeys(named + undriven))


def _poll(run: SubmittedRun, deadline: float, poll_seconds: float, sleep: Callable[[float], None]) -> Any:
    endpoint = run.endpoint
    with endpoint.reporting(f"watch run {run.run_id}, which goes on ({run.link}),"):
        for attempt in range(_UNCLEAR_POLLS):
            try:
                return endpoint.runs.run_service_get_run(run.run_id, _request_timeout=endpoint.timeout)
            except Failure as error:
                if attempt + 1 == _UNCLEAR_POLLS or time.monotonic() >= deadline or not may_pass(error):
                    raise
                sleep(poll_seconds)
    raise AssertionError  # the last attempt returned or raised


def _seconds(task: Any) -> float:
    """How long the server says that the task took; 0 while it runs, and for the year-1 times of tasks that never did."""
    if not task.start_time or not task.end_time:
        return 0.0
    return max(0.0, float((task.end_time - task.start_time).total_seconds()))


def _failure(run: SubmittedRun, state: str, tasks: list[Any]) -> str:
    if state == "CANCELED":
        return f"run {run.run_id} was cancelled: {run.link}"
    names = failed_steps(tasks, run.steps)
    what = f"step {', '.join(names)} failed" if names else "the run failed outside its steps"
    pods = [str(task.pod_name) for task in tasks if task.state == "FAILED" and task.display_name in names and task.pod_name]
    return f"{what} (run {run.run_id})\n{_where_logs_lie(run, pods)}"


def _where_logs_lie(run: SubmittedRun, pods: list[str]) -> str:
    namespace = run.namespace or "kubeflow"
    find = f"  kubectl get pods -n {namespace} -l pipeline/runid={run.run_id} --field-selector status.phase=Failed\n"
    return (
        "The KFP API holds no reason. The step's log:\n"
        f"  in the UI: {run.link}, the red step, tab Logs, or its artifact executor-logs\n"
        f"{'' if pods else find}  kubectl logs -n {namespace} {pods[0] if pods else 'POD'} -c main"
    )


def _overdue(run: SubmittedRun, timeout_seconds: float) -> str:
    namespace = run.namespace or "kubeflow"
    return (
        f"run {run.run_id} has not ended within {timeout_seconds:g} s; it goes on\n"
        f"  look at it, or stop it (Terminate): {run.link}\n"
        "  a missing image or secret keeps a run waiting for ever; its pods say so:\n"
        f"  kubectl get pods -n {namespace} -l pipeline/runid={run.run_id}"
    )
