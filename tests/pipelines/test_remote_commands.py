"""``submit`` and ``schedule`` on the command line, against an API on a real socket."""

import json

import pytest
from typer.testing import CliRunner

from clinical_ner.errors import ConfigError, PipelineRunError
from pipelines.__main__ import app
from pipelines.definitions import MONITORING, TRAINING
from pipelines.endpoint_options import KFP_IN_CLUSTER
from pipelines.parameters import default_parameters
from tests.doubles.kfp_api import running_kfp_api


@pytest.fixture
def api():
    with running_kfp_api() as running:
        yield running


@pytest.fixture
def call(api):
    """``call("submit", "--option", ...)``: the output of a command at ``api`` that succeeds."""

    def run(*arguments):
        result = CliRunner().invoke(app, [*arguments, "--host", api.host])
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def refused(api):
    """``refused(Error, "schedule", ...)``: what the error of a command at ``api`` says."""

    def run(error, *arguments):
        result = CliRunner().invoke(app, [*arguments, "--host", api.host])
        assert isinstance(result.exception, error), result.output
        return str(result.exception)

    return run


def rows(api):
    return list(api.store.schedules.rows.values())


def pipeline_of(api, row):
    return api.store.pipelines[row.pipeline_version_reference.pipeline_id].name


@pytest.mark.parametrize(
    ("words", "definition"),
    [((), TRAINING), (("training",), TRAINING), (("monitoring",), MONITORING)],
    ids=["options only", "training", "monitoring"],
)
def test_submit_runs_either_pipeline(api, call, words, definition):
    """Without a word it is the training, as it was before there were two; all parameters go along."""
    printed = call("submit", *words, "--no-wait", "--registry-uri", "s3://bucket/registry")
    (run,) = api.store.runs.values()
    assert f"run {run.run_id}: {api.host}/#/runs/details/{run.run_id}" in printed
    assert pipeline_of(api, run) == definition.name
    changed = {"registry_uri": "s3://bucket/registry"} | ({"kfp_host": KFP_IN_CLUSTER} if definition is MONITORING else {})
    assert run.runtime_config.parameters == default_parameters(definition.function, **changed)


def test_monitor_submits_to_its_own_namespace(api, call):
    """The profile of the run is that of its trainings, unless another is named."""
    call("submit", "monitoring", "--no-wait", "--namespace", "team-a")
    call("submit", "monitoring", "--no-wait", "--namespace", "team-a", "--kfp-namespace", "team-b")
    assert [run.runtime_config.parameters["kfp_namespace"] for run in api.store.runs.values()] == ["team-a", "team-b"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--log-uri", "file:///srv/log"), "log_uri names a file of one machine"),
        (("--evidently-workspace", "workspace"), "evidently_workspace names a file"),
        (("--mode", "auto", "--kfp-host", ""), "mode=auto without kfp_host would train inside the pod"),
    ],
)
@pytest.mark.parametrize("group", ["submit", "schedule"])
def test_monitor_that_cannot_work_is_refused(api, refused, group, options, expected):
    """The same refusals for a run and a schedule, and the API hears nothing."""
    assert expected in refused(ConfigError, group, "monitoring", *options)
    assert not api.requests


def test_schedule_is_the_monitor_at_its_windows_length(api, call):
    """Options only: the monitoring pipeline, as often as there is a new window; asked for again it is found."""
    assert "schedule clinical-ner-monitoring created (every 21600 s)" in call("schedule", "--window-hours", "6")
    assert "schedule clinical-ner-monitoring found" in call("schedule", "--window-hours", "6")
    (row,) = rows(api)
    assert pipeline_of(api, row) == MONITORING.name
    assert (row.trigger.periodic_schedule.interval_second, row.max_concurrency, row.no_catchup) == ("21600", "1", True)
    assert row.runtime_config.parameters["kfp_host"] == KFP_IN_CLUSTER


def test_training_is_scheduled_too(api, call, refused):
    """It has no window, so it needs a time; its name is its pipeline's."""
    assert "--cron or --every-seconds" in refused(ConfigError, "schedule", "training")
    call("schedule", "training", "--cron", "0 3 * * SUN", "--corpus-uri", "s3://notes/all.jsonl")
    (row,) = rows(api)
    assert (row.display_name, pipeline_of(api, row)) == (TRAINING.name, TRAINING.name)
    assert row.trigger.cron_schedule.cron == "0 0 3 * * SUN"
    assert row.runtime_config.parameters["corpus_uri"] == "s3://notes/all.jsonl"


def test_other_schedule_wants_replace(api, call, refused):
    """The difference is told, and --replace puts the new one in its place."""
    call("schedule", "--cron", "0 * * * *")
    assert "it fires by cron 0 0 * * * *, not every 86400 s" in refused(ConfigError, "schedule")
    assert "replaced (every 86400 s)" in call("schedule", "--replace")
    assert len(rows(api)) == 1


def test_schedules_are_listed_paused_resumed_and_deleted(api, call):
    """By name; the list is for people or for programs."""
    assert call("schedule", "list") == f"no schedules at {api.host}\n"
    assert "is paused: `python -m pipelines schedule resume" in call("schedule", "--paused")
    (row,) = rows(api)
    assert call("schedule", "list") == f"{row.recurring_run_id}  paused  clinical-ner-monitoring  every 86400 s\n"
    assert call("schedule", "resume", MONITORING.name) == f"resumed {MONITORING.name} ({row.recurring_run_id})\n"
    assert [each["paused"] for each in json.loads(call("schedule", "list", "--json"))] == [False]
    assert call("schedule", "pause", row.recurring_run_id).startswith("paused ")
    assert call("schedule", "delete", MONITORING.name).startswith("deleted ")
    assert not rows(api)


def test_delete_keeps_a_run_that_goes_on(api, call, refused):
    """Its workflow would go with it: --stop-runs says that this is meant."""
    call("schedule")
    api.store.fire()
    assert "is paused and not deleted, because run" in refused(PipelineRunError, "schedule", "delete", MONITORING.name)
    assert len(api.store.workflows) == 1
    call("schedule", "delete", MONITORING.name, "--stop-runs")
    assert not api.store.workflows
