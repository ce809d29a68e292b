"""Exactly one execution, whatever several monitors do at once and wherever one is killed: real processes, both stores."""

import contextlib
import multiprocessing
import os
import signal
from datetime import timedelta

import pytest

from clinical_ner.clock import utc_now
from clinical_ner.resubmit import Request, ResubmitRules, Resubmitter
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import NAME, notes
from tests.clinical_ner.resubmit.recording_backend import RecordingBackend

PROCESSES = multiprocessing.get_context("fork")
RULES = ResubmitRules(mode="auto", min_new_documents=5)
LEASE_SECONDS = 60.0


class DyingBackend(RecordingBackend):
    """Kills its own process before or after the run was created."""

    moment = ""

    def submit(self, key, parameters):
        if self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        reference = super().submit(key, parameters)
        if self.moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return reference


@pytest.fixture
def drifted(live, correct, storage_uri):
    live(storage_uri, notes(0, 40))
    return correct(storage_uri, notes(100, 10))


def monitor(uri, backend, owner, clock=utc_now):
    return Resubmitter(uri, NAME, backend, RULES, owner, clock=clock, lease_seconds=LEASE_SECONDS)


def after_the_lease():
    """The clock when a lease that begins now is over."""
    return utc_now() + timedelta(seconds=LEASE_SECONDS)


def consider(uri, backend, owner, request, start):
    start.wait()
    monitor(uri, backend, owner).consider(request)


def test_monitors_at_once_submit_once(storage_uri, drifted, tmp_path):
    """Six processes that decide the same at the same moment, with a slow backend, make one run."""
    backend = RecordingBackend(tmp_path, delay_seconds=0.3)
    start = PROCESSES.Event()
    arguments = [(storage_uri, backend, f"monitor-{number}", drifted, start) for number in range(6)]
    monitors = [PROCESSES.Process(target=consider, args=each) for each in arguments]
    for process in monitors:
        process.start()
    start.set()
    for process in monitors:
        process.join(60)
    assert [process.exitcode for process in monitors] == [0] * 6
    assert len(backend.executions) == 1
    (record,) = RecordStore(open_storage(storage_uri), NAME).records()
    assert record.state is State.SUBMITTED


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_monitor_is_followed_by_one_run(storage_uri, drifted, tmp_path, moment):
    """Killed between lock and submit, or between submit and record: kept out for the lease, the next one goes on."""
    backend = DyingBackend(tmp_path)
    backend.moment = moment
    process = PROCESSES.Process(target=lambda: monitor(storage_uri, backend, "killed").consider(drifted))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    backend.moment = ""
    outcome = monitor(storage_uri, backend, "next").consider(drifted)
    assert outcome.reason.startswith("another process is at it: killed holds the lock until")
    late = monitor(storage_uri, backend, "next", after_the_lease)
    assert late.consider(Request(action="none")).status == "nothing"
    assert "a run is in flight" in late.consider(drifted).reason
    assert len(backend.executions) == 1


@pytest.mark.parametrize("state", [State.PROPOSED, State.SUBMITTING])
def test_holder_that_lost_the_lock_posts_nothing(storage_uri, drifted, tmp_path, state):
    """A monitor that sleeps past its lease, right before a write, leaves the run to the one that took over meanwhile."""
    backend = RecordingBackend(tmp_path)
    quick = monitor(storage_uri, backend, "quick", after_the_lease)
    taken_over = []

    def sleepy_clock():
        if not taken_over and [record.state for record in slow._runs.store.records()] == [state]:
            taken_over.append(True)
            taken_over.append(quick.consider(drifted))
        return after_the_lease() if taken_over else utc_now()

    never = RecordingBackend(tmp_path)
    never.refusal = AssertionError("the slow one posted")
    slow = monitor(storage_uri, never, "slow", sleepy_clock)
    outcome = slow.consider(drifted)
    assert outcome.reason.startswith("another process was faster")
    assert len(backend.executions) == 1
    (record,) = slow._runs.store.records()
    assert (record.state, record.steps[-1].actor) == (State.SUBMITTED, "quick")


def test_lock_is_given_back_and_grows_its_token(storage_uri):
    """Every holder has a higher token; nobody waits after an ordinary end, also one by an exception."""
    lock = StoredLock(open_storage(storage_uri), "resubmit/m/lock.json", "one", utc_now, 60)
    tokens = []
    for _ in range(3):
        with contextlib.suppress(KeyError), lock.holding() as lease:
            tokens.append(lease.token)
            with lock.holding() as second:
                assert second is None
            raise KeyError
    assert tokens == [1, 2, 3]
    assert lock.describe() == "nobody holds the lock any more"


def test_lock_of_a_clock_that_went_back_ends(file_uri, time):
    """A lease from a future that no lease reaches does not hold the model for years."""
    time.pass_hours(24 * 365)
    storage = open_storage(file_uri)
    storage.create("k", StoredLock(storage, "k", "early", time, 60).claim(4).to_json())
    time.pass_hours(-24 * 365)
    with StoredLock(storage, "k", "late", time, 60).holding() as lease:
        assert lease.token == 5
