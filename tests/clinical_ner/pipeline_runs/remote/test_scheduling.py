"""Schedules at an API on a real socket that takes equal ones as often as they are posted."""

from datetime import timedelta
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote.scheduling import Plan, delete, pause, schedule
from tests.clinical_ner.pipeline_runs.remote.schedules import DAILY, HOURLY, SCHEDULES, Options, Plans, mutexes, posted, rows
from tests.doubles.kfp_api import Fault, KfpApi


def test_schedule_is_sent_as_the_client_of_kfp_sends_it(api: KfpApi, options: Options, package_path: Path) -> None:
    """Pinned to the uploaded version, one run at a time, nothing made up for, and the account noted in the package."""
    made = schedule(package_path, {"seed": 3}, Plan("nightly", HOURLY), options(experiment="watch"))
    (row,) = api.store.schedules.rows.values()
    (version,) = api.store.versions.values()
    assert (made.outcome, made.schedule.id, made.notes) == ("created", row.recurring_run_id, ())
    assert made.link == f"{api.host}/#/recurringrun/details/{row.recurring_run_id}"
    assert row.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id
    assert row.runtime_config.parameters == {"seed": 3}
    assert (row.trigger.cron_schedule.cron, row.trigger.periodic_schedule) == ("0 0 * * * *", None)
    assert (row.max_concurrency, row.no_catchup, row.service_account, row.mode) == ("1", True, "trainer", "ENABLE")
    assert api.store.experiments[row.experiment_id].display_name == "watch"
    assert mutexes(api) == []


def test_schedule_of_seconds_is_periodic(api: KfpApi, hourly: Plans) -> None:
    """An interval goes out as KFP's periodic schedule; both come back as they were."""
    assert hourly(trigger=DAILY).schedule.trigger == DAILY
    (row,) = api.store.schedules.rows.values()
    assert (row.trigger.periodic_schedule.interval_second, row.trigger.cron_schedule) == ("86400", None)


def test_schedule_fires_one_run_at_a_time(api: KfpApi, hourly: Plans) -> None:
    """What the double does with a schedule: no second workflow while the first goes on."""
    hourly()
    api.store.fire()
    api.store.fire()
    assert len(api.store.workflows) == 1
    api.store.runs[api.store.workflows[0]].state = "SUCCEEDED"
    api.store.fire()
    assert len(api.store.workflows) == 2


def test_same_schedule_is_found(api: KfpApi, hourly: Plans) -> None:
    """Asking again changes nothing, whether a default is written out or left out."""
    first, second = hourly({"seed": 3}), hourly({"seed": 3, "tuning_workers": 1})
    assert (second.outcome, second.schedule.id) == ("found", first.schedule.id)
    assert posted(api) == 1


def test_found_schedule_stays_paused(hourly: Plans, options: Options) -> None:
    """A deployment that runs again does not undo what a person paused; it says so."""
    hourly()
    pause("nightly", options())
    again = hourly()
    assert again.outcome == "found"
    assert again.notes == ("schedule nightly is paused: `python -m pipelines schedule resume nightly` lets it fire",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"trigger": DAILY}, "it fires by cron 0 0 * * * *, not every 86400 s"),
        ({"arguments": {"seed": 4, "model_name": "secret-name"}}, "other values of model_name, seed"),
        ({"options": {"experiment": "other"}}, "its runs go to another experiment"),
        ({"options": {"service_account": "other"}}, "its runs use service account trainer, not other"),
    ],
)
def test_other_schedule_of_that_name_is_refused_with_the_difference(
    api: KfpApi, options: Options, package_path: Path, change: dict[str, object], expected: str
) -> None:
    """What differs is said without the values of parameters, and nothing is changed."""
    first = schedule(package_path, {"seed": 3}, Plan("nightly", HOURLY), options())
    chosen = {"trigger": HOURLY, "arguments": {"seed": 3}, "options": {}} | change
    with pytest.raises(ConfigError) as refusal:
        schedule(package_path, chosen["arguments"], Plan("nightly", chosen["trigger"]), options(**chosen["options"]))  # type: ignore[arg-type]
    assert str(refusal.value).startswith(f"schedule nightly exists already. {first.schedule.id}: ")
    assert expected in str(refusal.value)
    assert "--replace" in str(refusal.value)
    assert "secret-name" not in str(refusal.value)
    assert rows(api, paused=False) == [first.schedule.id]
    assert mutexes(api) == []


def test_changed_package_is_another_schedule(hourly: Plans, changed_package_path: Path) -> None:
    """A new pipeline version does not slip under a schedule that is there."""
    hourly()
    with pytest.raises(ConfigError, match=r"it runs pipeline version [0-9a-f-]{36}, not [0-9a-f-]{36} \(0\.1\.0-"):
        hourly(package=changed_package_path)


def test_schedules_of_two_names_live_side_by_side(api: KfpApi, hourly: Plans) -> None:
    """Another name is another schedule, with the same version of the pipeline."""
    hourly(), hourly(name="weekly")
    assert len(rows(api)) == 2
    assert len(api.store.versions) == 1


def test_replacing_makes_the_new_one_before_the_old_one_goes(api: KfpApi, hourly: Plans) -> None:
    """At no moment is there no schedule; the old one is paused, looked at, and deleted."""
    first = hourly()
    api.requests.clear()
    second = hourly(trigger=DAILY, replace=True)
    assert (second.outcome, second.notes) == ("replaced", ())
    assert rows(api) == [second.schedule.id]
    old = f"{SCHEDULES}/{first.schedule.id}"
    order = [f"POST {SCHEDULES}", f"POST {old}:disable", "GET /apis/v2beta1/runs", f"DELETE {old}"]
    assert [request for request in api.requests if request in order] == order


def test_replaced_schedule_stays_while_its_run_goes_on(api: KfpApi, hourly: Plans) -> None:
    """Deleting it would delete the workflow; it is paused, said, and deleted by a later call."""
    first = hourly()
    api.store.fire()
    (run_id,) = api.store.workflows
    second = hourly(trigger=DAILY, replace=True)
    assert second.notes == (f"schedule nightly ({first.schedule.id}) is paused and not deleted, because run {run_id} goes on",)
    assert (rows(api, paused=True), rows(api, paused=False)) == ([first.schedule.id], [second.schedule.id])
    assert api.store.workflows == [run_id]
    api.store.runs[run_id].state = "SUCCEEDED"
    third = hourly(trigger=DAILY)
    assert (third.outcome, third.schedule.id, third.notes) == ("found", second.schedule.id, ())
    assert rows(api) == [second.schedule.id]


def test_run_that_goes_on_is_found_behind_pages_of_others(
    api: KfpApi, hourly: Plans, options: Options, package_path: Path
) -> None:
    """The server cannot tell the runs of a schedule from others of its experiment: the newest of its own counts."""
    hourly()
    api.store.fire()
    api.store.runs[api.store.workflows[0]].state = "SUCCEEDED"
    api.store.fire()
    (run,) = [run for run in api.store.runs.values() if run.state == "RUNNING"]
    fields = {name: getattr(run, name) for name in run.openapi_types}
    for number in range(150):
        other = {"run_id": f"other-{number}", "recurring_run_id": None, "created_at": run.created_at + timedelta(days=number)}
        api.store.runs[f"other-{number}"] = type(run)(**fields | other)
    assert f"because run {run.run_id} goes on" in hourly(trigger=DAILY, replace=True).notes[0]
    run.state = "FAILED"
    assert delete("nightly", options())
    assert not rows(api)


def test_replacement_of_a_paused_schedule_is_paused(api: KfpApi, hourly: Plans) -> None:
    """Replacing changes what fires, not whether."""
    hourly(paused=True)
    assert hourly(trigger=DAILY, replace=True).notes[0].startswith("schedule nightly is paused")
    assert len(rows(api, paused=True)) == 1
    assert rows(api, paused=False) == []


def test_replacing_by_the_same_changes_nothing(api: KfpApi, hourly: Plans) -> None:
    """--replace may always be given."""
    first = hourly()
    assert hourly(replace=True).schedule.id == first.schedule.id
    assert posted(api) == 1


def test_replacing_cut_short_is_gone_on_with(api: KfpApi, hourly: Plans) -> None:
    """The new one is there and the old one could not be paused: the next call clears up."""
    hourly()
    api.faults.append(Fault("POST", ":disable", status=503))
    with pytest.raises(PipelineRunError, match="cannot pause recurring run nightly"):
        hourly(trigger=DAILY, replace=True)
    assert len(rows(api, paused=False)) == 2
    assert hourly(trigger=DAILY, replace=True).outcome == "found"
    assert len(rows(api)) == 1


def test_equal_schedules_made_elsewhere_are_told_and_reduced(api: KfpApi, hourly: Plans) -> None:
    """Two of one name, as the UI makes them, both fire: the call says so, and --replace keeps one."""
    hourly()
    (row,) = api.store.schedules.rows.values()
    api.store.schedules.create(type(row)(**{name: getattr(row, name) for name in row.openapi_types}))
    with pytest.raises(ConfigError, match=r"exists already\. .*: it is the same"):
        hourly()
    assert hourly(replace=True).outcome == "found"
    assert len(rows(api)) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, "not logged in"), (403, "no right"), (409, "exists already"), (500, "the server failed"), (503, "server failed")],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", SCHEDULES), ("POST", SCHEDULES), ("POST", "/experiments"), ("GET", "/versions"), ("POST", "/upload_version")],
)
def test_refusals_are_explained_and_leave_no_schedule(
    api: KfpApi, hourly: Plans, method: str, path: str, status: int, expected: str
) -> None:
    """Whichever request is refused, the message says what to do, and no name stays locked."""
    api.faults.append(Fault(method, path, status=status, times=1000))
    with pytest.raises(PipelineRunError, match=rf"cannot .* at {api.host}: .*{expected}"):
        hourly()
    assert not rows(api)
    api.faults.clear()
    assert hourly().outcome == "created"


def test_login_page_is_recognized(api: KfpApi, hourly: Plans) -> None:
    """HTML of status 200 is no schedule."""
    api.faults.append(Fault("POST", SCHEDULES, status=200, body=b"<html>log in</html>"))
    with pytest.raises(PipelineRunError, match=r"does not list it\. Check the address"):
        hourly()


@pytest.mark.parametrize(
    ("arguments", "plan"),
    [({"no_such": 1}, {}), ({"registry_uri": "file:///srv/registry"}, {}), ({}, {"name": ""}), ({}, {"name": "x" * 256})],
)
def test_schedule_sends_nothing_when_it_refuses(
    api: KfpApi, hourly: Plans, arguments: dict[str, object], plan: dict[str, object]
) -> None:
    """Arguments are checked as for a run: a schedule that fails each night helps nobody."""
    with pytest.raises(ConfigError):
        hourly(arguments, **plan)
    assert not api.requests


def test_values_of_parameters_stay_out_of_messages(api: KfpApi, hourly: Plans) -> None:
    """The server quotes a value; the message does not."""
    secret = "s3://patients-of-dr-house/corpus"
    api.faults.append(Fault("POST", SCHEDULES, status=400, body=f'{{"message": "{secret} is odd"}}'.encode()))
    with pytest.raises(PipelineRunError, match=r"\*\*\* is odd"):
        hourly({"corpus_uri": secret})
