"""Listing, pausing, resuming and deleting schedules."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.scheduling import Plan, delete, pause, resume, schedule, schedules
from tests.clinical_ner.pipeline_runs.remote.schedules import DAILY, HOURLY, SCHEDULES, Options, Plans, rows
from tests.doubles.kfp_api import Fault, KfpApi, running_kfp_api

NOWHERE = "00000000-0000-0000-0000-000000000000"


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
