"""Schedules at an API on a real socket that takes equal ones as often as they are posted."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.creation import Patience
from clinical_ner.pipeline_runs.remote.scheduling import Plan, Scheduled, delete, pause, resume, schedule, schedules
from clinical_ner.pipeline_runs.remote.triggers import Trigger
from tests.doubles.kfp_api import Fault, KfpApi, running_kfp_api

PROCESSES = multiprocessing.get_context("fork")
SCHEDULES = "/apis/v2beta1/recurringruns"
HOURLY, DAILY = Trigger(cron="0 0 * * * *"), Trigger(every_seconds=86_400)
NOWHERE = "00000000-0000-0000-0000-000000000000"
Options = Callable[..., SubmitOptions]
Plans = Callable[..., Scheduled]


@pytest.fixture
def hourly(options: Options, package_path: Path) -> Plans:
    """``hourly(arguments, **plan)``: schedule the training each hour as "nightly", unless ``plan`` says otherwise."""

    def build(arguments: dict[str, object] | None = None, /, package: Path = package_path, **plan: object) -> Scheduled:
        chosen = {"name": "nightly", "trigger": HOURLY, **plan}
        return schedule(package, arguments or {}, Plan(**chosen), options())  # type: ignore[arg-type]

    return build


def rows(api: KfpApi, *, paused: bool | None = None) -> list[str]:
    """Ids of the API's schedules, oldest first."""
    found = api.store.schedules.rows.values()
    return [row.recurring_run_id for row in found if paused is None or (row.mode == "DISABLE") is paused]


def mutexes(api: KfpApi) -> list[str]:
    return [each.display_name for each in api.store.experiments.values() if each.display_name.startswith("mutex-")]


def posted(api: KfpApi) -> int:
    return api.requests.count(f"POST {SCHEDULES}")


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


def test_callers_at_once_make_one_schedule(api: KfpApi, hourly: Plans, options: Options) -> None:
    """Eight at the same moment, each long between looking and posting: one creates, the others find."""
    delete(hourly().schedule.id, options())  # pipeline, version and experiment are there
    api.faults.append(Fault("GET", SCHEDULES, delay_seconds=0.1, times=1000))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: hourly(), range(8)))
    assert sorted(each.outcome for each in made) == ["created", *["found"] * 7]
    assert len(rows(api)) == 1
    assert mutexes(api) == []


def test_processes_at_once_that_differ_make_one_schedule(api: KfpApi, hourly: Plans, options: Options) -> None:
    """Two processes with different times: one wins, the other is refused."""
    delete(hourly().schedule.id, options())
    api.faults.append(Fault("GET", SCHEDULES, delay_seconds=0.3, times=1000))
    ends = [PROCESSES.Process(target=lambda trigger=trigger: hourly(trigger=trigger)) for trigger in (HOURLY, DAILY)]
    for process in ends:
        process.start()
    for process in ends:
        process.join(30)
    assert sorted(process.exitcode or 0 for process in ends) == [0, 1]
    assert len(rows(api)) == 1


def test_killed_caller_is_waited_for_and_followed(api: KfpApi, options: Options, hourly: Plans, package_path: Path) -> None:
    """Killed while it held the name: the next one waits as long as a creation lasts, takes over, and finds what was made."""
    api.faults.append(Fault("POST", SCHEDULES, delay_seconds=30, carry_out=True))
    process = PROCESSES.Process(target=hourly)
    process.start()
    while not rows(api):
        time.sleep(0.02)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(10)
    assert len(mutexes(api)) == 1
    quick = options(request_seconds=0.3, patience=Patience(settle_seconds=0.1, poll_seconds=0.02))
    assert schedule(package_path, {}, Plan("nightly", HOURLY), quick).outcome == "found"
    assert mutexes(api) == []
    assert len(rows(api)) == 1


def test_caller_that_lost_the_name_posts_nothing(api: KfpApi, hourly: Plans) -> None:
    """Slower than its time allows, between looking and posting: whoever took over makes the schedule."""
    api.faults.append(Fault("GET", SCHEDULES, delay_seconds=0.5))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(hourly)
        while f"GET {SCHEDULES}" not in api.requests:
            time.sleep(0.01)
        (taken,) = [key for key, each in api.store.experiments.items() if each.display_name in mutexes(api)]
        api.store.delete_experiment(taken)
        with pytest.raises(PipelineRunError, match="another process took over mutex-schedule-"):
            slow.result()
    assert posted(api) == 0


@pytest.mark.parametrize("status", [0, 500, 502, 504])
def test_lost_reply_makes_no_second_schedule(api: KfpApi, hourly: Plans, status: int) -> None:
    """It was created and the reply lost: it is found, though late, and not posted again."""
    api.faults.append(Fault("POST", SCHEDULES, status=status, carry_out=True))
    api.store.schedules.hidden_lists = 2
    assert hourly().outcome == "created"
    assert len(rows(api)) == posted(api) == 1


def test_late_reply_makes_no_second_schedule(api: KfpApi, options: Options, package_path: Path) -> None:
    """A create that outlasts the patience for a reply is found."""
    api.faults.append(Fault("POST", SCHEDULES, carry_out=True, delay_seconds=1.5))
    assert schedule(package_path, {}, Plan("nightly", HOURLY), options(request_seconds=1)).outcome == "created"
    assert len(rows(api)) == posted(api) == 1


def test_create_that_failed_is_not_repeated(api: KfpApi, hourly: Plans) -> None:
    """What no list shows may fire all the same: a person decides, and the next call makes one."""
    api.faults.append(Fault("POST", SCHEDULES, status=503))
    with pytest.raises(PipelineRunError, match=r"cannot create recurring run nightly .* the server failed"):
        hourly()
    assert posted(api) == 1
    assert mutexes(api) == []
    assert hourly().outcome == "created"


def test_create_in_doubt_says_so(api: KfpApi, hourly: Plans) -> None:
    """The reply is lost and no list answers: the message says that it may be there, and the next call finds it."""
    api.faults.append(Fault("POST", SCHEDULES, status=0, carry_out=True))
    looks = [Fault("GET", SCHEDULES), Fault("GET", SCHEDULES), Fault("GET", SCHEDULES, status=503, times=1000)]
    api.faults += looks
    with pytest.raises(PipelineRunError, match="recurring run nightly may or may not have been created"):
        hourly()
    api.faults.clear()
    assert hourly().outcome == "found"
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


def test_list_shows_all_pages_of_schedules(api: KfpApi, hourly: Plans, options: Options) -> None:
    """Of none nothing, of many all, oldest first, whoever made them."""
    assert schedules(options()) == []
    hourly()
    (row,) = api.store.schedules.rows.values()
    fields = {name: getattr(row, name) for name in row.openapi_types}
    for number in range(120):
        api.store.schedules.create(type(row)(**fields | {"display_name": f"other-{number}"}))
    assert [each.name for each in schedules(options())] == ["nightly", *(f"other-{number}" for number in range(120))]


def test_pause_and_resume_by_name_or_id(api: KfpApi, hourly: Plans, options: Options) -> None:
    """A paused schedule fires nothing; pausing twice is no error."""
    made = hourly().schedule
    for _ in range(2):
        pause("nightly", options())
        api.store.fire()
    assert api.store.workflows == []
    resume(made.id, options())
    api.store.fire()
    assert len(api.store.workflows) == 1


def test_pause_leaves_a_running_run_alone(api: KfpApi, hourly: Plans, options: Options) -> None:
    """What was started goes on."""
    hourly()
    api.store.fire()
    pause("nightly", options())
    assert len(api.store.workflows) == 1


def test_resume_of_several_is_refused(api: KfpApi, hourly: Plans, options: Options) -> None:
    """Only one of a name may fire; the ids are named."""
    first = hourly()
    api.store.fire()
    hourly(trigger=DAILY, replace=True)
    with pytest.raises(ConfigError, match=f"2 schedules are called nightly .{first.schedule.id}, "):
        resume("nightly", options())


def test_delete_spares_running_runs_unless_told(api: KfpApi, hourly: Plans, options: Options) -> None:
    """Deleting a recurring run deletes its workflows: that needs a word of its own, and it is paused until then."""
    hourly()
    api.store.fire()
    (run_id,) = api.store.workflows
    with pytest.raises(PipelineRunError, match=f"paused and not deleted, because run {run_id} goes on; with --stop-runs"):
        delete("nightly", options())
    assert (len(rows(api, paused=True)), api.store.workflows) == (1, [run_id])
    delete("nightly", options(), stop_runs=True)
    assert (rows(api), api.store.workflows) == ([], [])


@pytest.mark.parametrize("act", [pause, resume, delete])
@pytest.mark.parametrize("name", ["nightly", NOWHERE])
def test_unknown_schedule_is_named(options: Options, act: Callable[..., object], name: str) -> None:
    """Neither a name nor an id that the server does not have is passed over in silence."""
    with pytest.raises(ConfigError, match=f"there is no schedule {name} at"):
        act(name, options())


@pytest.mark.parametrize("act", [pause, resume, delete])
@pytest.mark.parametrize("status", [401, 403, 500])
def test_changes_that_are_refused_are_explained(
    api: KfpApi, hourly: Plans, options: Options, act: Callable[..., object], status: int
) -> None:
    """The message says what could not be done to which schedule."""
    hourly()
    api.faults += [Fault(method, f"{SCHEDULES}/", status=status, times=10) for method in ("POST", "DELETE")]
    with pytest.raises(PipelineRunError, match=r"cannot (pause|resume|delete) recurring run nightly \([0-9a-f-]{36}\) at"):
        act("nightly", options())


def test_schedule_that_goes_meanwhile_counts_as_deleted(api: KfpApi, hourly: Plans, options: Options) -> None:
    """A 404 to the delete is what was wanted."""
    hourly()
    api.faults.append(Fault("DELETE", f"{SCHEDULES}/", status=404, carry_out=True))
    assert delete("nightly", options())
    assert not rows(api)


def test_token_is_sent(package_path: Path, tmp_path: Path) -> None:
    """Schedules use the same credentials as runs."""
    with running_kfp_api(token="abc") as api:
        options = SubmitOptions(host=api.host, token="abc", token_file=tmp_path / "none")
        assert schedule(package_path, {}, Plan("nightly", HOURLY), options).outcome == "created"
        submit(package_path, {}, options)
        with pytest.raises(PipelineRunError, match="not logged in"):
            schedules(SubmitOptions(host=api.host, token="wrong", token_file=tmp_path / "none"))
