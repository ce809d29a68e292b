"""What the double of the KFP API keeps: pipelines, versions, experiments, runs, schedules, and the workflows that execute."""

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import kfp_server_api as models

from tests.doubles.kfp_filters import ApiError, filtered, page
from tests.doubles.kfp_schedules import FIRST, Schedules
from tests.doubles.kfp_specs import check_parameters, read_spec, read_tags

_NAMES = {"name", "display_name"}


@dataclass(slots=True)
class Script:
    """How runs go: one poll after the other PENDING, no state at all, then step by step.

    A ``failing_step`` ends the run; when ``recovers``, run and step are FAILED for one poll and then RUNNING again. A
    ``stuck_step`` stays RUNNING for ever. A step of ``driver_fails`` never starts.
    """

    steps: tuple[str, ...] = ()
    failing_step: str = ""
    driver_fails: bool = False
    recovers: bool = False
    stuck_step: str = ""

    def snapshots(self) -> list[tuple[str | None, dict[str, str]]]:
        """(state of the run, state of each task) at each poll."""
        seen: list[tuple[str | None, dict[str, str]]] = [("PENDING", {}), (None, {})]
        states: dict[str, str] = {}
        for step in self.steps:
            seen.append(("RUNNING", {**states, step: "RUNNING"}))
            if step == self.stuck_step:
                return seen
            if step == self.failing_step:
                failed = {**states, f"{step}-driver": "FAILED"} if self.driver_fails else {**states, step: "FAILED"}
                seen.append(("FAILED", failed))
                if not self.recovers:
                    return seen
                seen.append(("RUNNING", {**states, step: "RUNNING"}))
            states[step] = "SUCCEEDED"
        return [*seen, ("SUCCEEDED", states)]


@dataclass(slots=True)
class KfpStore:
    """State behind the routes; one lock, as the real API has one database. ``workflows`` holds a run id per execution."""

    script: Script = field(default_factory=Script)
    pipelines: dict[str, models.V2beta1Pipeline] = field(default_factory=dict)
    versions: dict[str, models.V2beta1PipelineVersion] = field(default_factory=dict)
    experiments: dict[str, models.V2beta1Experiment] = field(default_factory=dict)
    runs: dict[str, models.V2beta1Run] = field(default_factory=dict)
    workflows: list[str] = field(default_factory=list)
    schedules: Schedules = field(default_factory=Schedules)
    executed: list[tuple[str, str]] = field(default_factory=list)
    """(run, task) that ran; other tasks came from the cache, as the compiled spec says and whatever a request asks for."""

    _cached: set[tuple[str, str]] = field(default_factory=set)
    hidden_polls: int = 0
    """So many polls do not find a run after its creation, as while a slow create is still being written."""

    _polls: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def list_pipelines(self, predicates: str) -> models.V2beta1ListPipelinesResponse:
        return models.V2beta1ListPipelinesResponse(pipelines=filtered(self.pipelines.values(), predicates, _NAMES))

    def create_pipeline(self, pipeline: models.V2beta1Pipeline) -> models.V2beta1Pipeline:
        with self._lock:
            if any(known.name == pipeline.name for known in self.pipelines.values()):
                raise ApiError(409, f"the name {pipeline.name} already exists")
            pipeline.pipeline_id = str(uuid.uuid4())
            self.pipelines[pipeline.pipeline_id] = pipeline
            return pipeline

    def list_versions(self, pipeline_id: str, predicates: str) -> models.V2beta1ListPipelineVersionsResponse:
        of_pipeline = [version for version in self.versions.values() if version.pipeline_id == pipeline_id]
        return models.V2beta1ListPipelineVersionsResponse(pipeline_versions=filtered(of_pipeline, predicates, _NAMES))

    def upload_version(
        self, pipeline_id: str, name: str, description: str, tags: str, content: bytes
    ) -> models.V2beta1PipelineVersion:
        spec = read_spec(content)
        if pipeline_id not in self.pipelines:
            raise ApiError(400, f"no pipeline {pipeline_id}")
        with self._lock:
            if any(version.name == name and version.pipeline_id == pipeline_id for version in self.versions.values()):
                raise ApiError(409, f"the version {name} already exists")
            version = models.V2beta1PipelineVersion(
                pipeline_id=pipeline_id,
                pipeline_version_id=str(uuid.uuid4()),
                name=name,
                display_name=name,
                description=description or None,  # never the one in the spec
                tags=read_tags(tags),
                pipeline_spec=spec,
            )
            self.versions[version.pipeline_version_id] = version
            return version

    def list_experiments(self, predicates: str) -> models.V2beta1ListExperimentsResponse:
        return models.V2beta1ListExperimentsResponse(experiments=filtered(self.experiments.values(), predicates, _NAMES))

    def create_experiment(self, experiment: models.V2beta1Experiment) -> models.V2beta1Experiment:
        with self._lock:
            if any(known.display_name == experiment.display_name for known in self.experiments.values()):
                raise ApiError(409, f"the experiment {experiment.display_name} already exists")
            experiment.experiment_id = str(uuid.uuid4())
            experiment.storage_state = "AVAILABLE"
            self.experiments[experiment.experiment_id] = experiment
            return experiment

    def delete_experiment(self, experiment_id: str) -> dict[str, Any]:
        with self._lock:
            if self.experiments.pop(experiment_id, None) is None:
                raise ApiError(404, f"Experiment {experiment_id} not found")
            return {}

    def create_run(self, run: models.V2beta1Run) -> models.V2beta1Run:
        """No atomic create: the workflow starts before the name and id are found to be impossible."""
        self._check_source(run)
        run.run_id = run.run_id or str(uuid.uuid4())
        with self._lock:
            self.workflows.append(run.run_id)
            run.created_at = run.created_at or FIRST + timedelta(seconds=len(self.runs))
            if run.run_id in self.runs:
                raise ApiError(500, "duplicate entry for key run_details.PRIMARY")
            if len(run.display_name) > 255:
                raise ApiError(500, "data too long for column DisplayName")
            self._execute(run)
            self.runs[run.run_id] = run
            self._polls[run.run_id] = -self.hidden_polls
            return run

    def _execute(self, run: models.V2beta1Run) -> None:
        version_id = run.pipeline_version_reference.pipeline_version_id
        inputs = f"{version_id} {json.dumps(run.runtime_config.parameters, sort_keys=True)}"
        for name, task in self.versions[version_id].pipeline_spec["root"]["dag"]["tasks"].items():
            if (inputs, name) not in self._cached:
                self.executed.append((run.run_id, name))
            if task.get("cachingOptions", {}).get("enableCache"):
                self._cached.add((inputs, name))

    def create_schedule(self, row: models.V2beta1RecurringRun) -> models.V2beta1RecurringRun:
        self._check_source(row)
        return self.schedules.create(row)

    def delete_schedule(self, row_id: str) -> dict[str, Any]:
        return self.schedules.delete(row_id, self.runs, self.workflows)

    def fire(self) -> None:
        """All schedules that are not paused start a workflow."""
        self.schedules.fire(self.runs, self.workflows)

    def list_runs(self, query: dict[str, str]) -> models.V2beta1ListRunsResponse:
        if '"recurring_run_id"' in query.get("filter", ""):
            raise ApiError(500, "Unknown column 'RecurringRunId' in 'where clause'")  # its column is JobUUID
        of_experiment = [run for run in self.runs.values() if query.get("experiment_id") in {None, run.experiment_id}]
        found, token = page(filtered(of_experiment, query.get("filter", ""), _NAMES), query)
        return models.V2beta1ListRunsResponse(runs=found or None, next_page_token=token)

    def _check_source(self, run: models.V2beta1Run | models.V2beta1RecurringRun) -> None:
        reference = run.pipeline_version_reference
        version = self.versions.get(reference.pipeline_version_id) if reference else None
        if version is None:
            raise ApiError(500, "no such pipeline version")
        if run.experiment_id not in self.experiments:
            raise ApiError(404, "no such experiment")
        check_parameters(version.pipeline_spec, run.runtime_config.parameters or {})

    def get_run(self, run_id: str) -> models.V2beta1Run:
        with self._lock:
            if run_id not in self.runs:
                raise ApiError(404, f"Run {run_id} not found")
            poll = self._polls[run_id]
            self._polls[run_id] += 1
            if poll < 0:
                raise ApiError(404, f"Run {run_id} not found")
            run = self.runs[run_id]
            if run.state != "CANCELED":
                snapshots = self.script.snapshots()
                run.state, tasks = snapshots[min(poll, len(snapshots) - 1)]
                run.run_details = models.V2beta1RunDetails(task_details=_tasks(run_id, tasks))
            return run

    def terminate_run(self, run_id: str) -> dict[str, Any]:
        self.runs[run_id].state = "CANCELED"
        return {}


def _tasks(run_id: str, states: dict[str, str]) -> list[models.V2beta1PipelineTaskDetail] | None:
    """Tasks as the API shows them: drivers and executors among the steps, no pod, no error."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    shown = {"root-driver": "SUCCEEDED", "root": "RUNNING"} if states else {}
    for name, state in states.items():
        if not name.endswith("-driver"):
            shown |= {f"{name}-driver": "SUCCEEDED", f"{name}/executor": state}
        shown[name] = state
    details = [
        models.V2beta1PipelineTaskDetail(
            run_id=run_id,
            task_id=name,
            display_name="executor" if name.endswith("/executor") else name,
            state=state,
            start_time=start,
            end_time=None if state == "RUNNING" else start + timedelta(seconds=42),
            child_tasks=[models.PipelineTaskDetailChildTask(pod_name=f"workflow-{index}")],
        )
        for index, (name, state) in enumerate(shown.items())
    ]
    return details or None
