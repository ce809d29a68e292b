"""Schedules made by several callers at once, by callers that die, and by callers whose replies are lost."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote.creation import Patience
from clinical_ner.pipeline_runs.remote.scheduling import Plan, delete, schedule
from tests.clinical_ner.pipeline_runs.remote.schedules import DAILY, HOURLY, SCHEDULES, Options, Plans, mutexes, posted, rows
from tests.doubles.kfp_api import Fault, KfpApi

PROCESSES = multiprocessing.get_context("fork")


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
