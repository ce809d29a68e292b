"""Rollouts advanced by a runner over real records and a real registry."""

from datetime import timedelta

import pytest

from clinical_ner.errors import MetricsUnavailable, StorageError
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.rollout.runner import Runner, run
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.file_world import MODEL, FileWorld, make_spec
from tests.clinical_ner.rollout.stage import START


class Runs:
    """A runner with all that it looks at."""

    def __init__(self, storage):
        self.registry, self.records, self.world = Registry(storage), StoredRollouts(storage, MODEL), FileWorld(storage)
        self.told = []
        self.runner = Runner(
            self.records,
            self.world,
            self.world,
            self.registry,
            MODEL,
            timer=self.world.now,
            on_change=lambda before, after: self.told.append((before.status.phase, after.status.phase)),
        )

    def until(self, name, phase, looks=200):
        """Advance until the rollout is in this phase."""
        for _ in range(looks):
            status = self.phases()[name]
            if status is phase:
                return self
            self.runner.tick()
        raise AssertionError(f"{name} never {phase}, but {status}")

    def phases(self):
        return {stored.spec.name: stored.status.phase for stored in self.records.all()}

    def add(self, version, **plan):
        return self.records.create(make_spec(self.registry.get(MODEL, version), minutes=1, **plan))


@pytest.fixture
def runs(store):
    return Runs(store)


def test_second_rollout_waits_for_the_first(runs):
    """And begins from what the first left as stable."""
    runs.add("v3")
    runs.until("v2", Phase.HOLDING)
    assert runs.phases()["v3"] is Phase.PENDING
    assert runs.records.read("v3").status.waits_for == "rollout v2 of the same service to end"
    runs.until("v2", Phase.SUCCEEDED).until("v3", Phase.SUCCEEDED)
    assert runs.records.read("v3").status.stable_version == "v2"
    assert (runs.registry.champion(MODEL).version, runs.world.service().stable.version) == ("v3", "v3")
    assert runs.world.service().canaries_started == 2


def test_second_rollout_supersedes_the_first(runs):
    """Which goes back whole before the other starts, and may be tried again."""
    runs.until("v2", Phase.HOLDING).add("v3", when_busy="supersede")
    runs.until("v2", Phase.ROLLED_BACK)
    assert runs.phases()["v3"] in {Phase.PENDING, Phase.STARTING}
    runs.until("v3", Phase.SUCCEEDED)
    assert runs.registry.get(MODEL, "v2").state is State.APPROVED
    assert runs.records.read("v3").status.stable_version == "v1"


def test_version_deleted_while_it_is_canary_ends_its_rollout(runs):
    """Its files were removed by hand; pruning would not have."""
    runs.until("v2", Phase.HOLDING)
    runs.records.storage.delete(f"models/{MODEL}/v2/manifest.json")
    runs.until("v2", Phase.ROLLED_BACK)
    assert "no longer in the registry" in runs.records.read("v2").status.reason
    assert runs.world.service().canary is None


def test_withdrawal_is_written_in_the_registry(runs):
    """With who ordered it and why."""
    runs.until("v2", Phase.HOLDING)
    runs.records.abort("v2", Abort(actor="monitor", time=START, reason="reviewed F1 fell", withdraw=True))
    runs.until("v2", Phase.ROLLED_BACK)
    change = runs.registry.history(MODEL, "v2")[-1]
    assert (change.state, change.reason) == (State.ROLLED_BACK, "monitor ended it: reviewed F1 fell")
    assert change.actor.startswith("rollout v2")


def test_changes_are_told(runs):
    """Each written status with the one before it, so that events can be made of them."""
    runs.until("v2", Phase.SUCCEEDED)
    moves = [(before, after) for before, after in runs.told if before is not after]
    assert moves[:3] == [
        (Phase.PENDING, Phase.STARTING),
        (Phase.STARTING, Phase.SHIFTING),
        (Phase.SHIFTING, Phase.HOLDING),
    ]
    assert moves[-1] == (Phase.PROMOTING, Phase.SUCCEEDED)


def test_metrics_that_cannot_be_read_are_told_and_held(runs, monkeypatch):
    """The status says from where and why; nothing moves, and the rollout goes on afterwards."""
    runs.until("v2", Phase.HOLDING)

    def read(version):
        raise MetricsUnavailable(f"http://split/metrics of {version}: answered 503")

    with monkeypatch.context() as patch:
        patch.setattr(runs.world, "read", read)
        for _ in range(20):
            runs.runner.tick()
        status = runs.records.read("v2").status
        assert (status.phase, status.step) == (Phase.HOLDING, 0)
        assert "http://split/metrics of v2: answered 503" in status.problems
    runs.until("v2", Phase.SUCCEEDED)
    assert runs.records.read("v2").status.problems == ()


def test_runner_that_sleeps_through_the_way_back_moves_no_pointer(runs):
    """It set out to make v2 live and wakes up when that was ended by an order: the registry is not as it was seen."""
    runs.until("v2", Phase.PROMOTING)
    sleeper, passed = Runs(runs.records.storage), []

    def sleep():
        passed.append(True)
        if len(passed) == 2:  # its status is written, the pointer not yet moved
            runs.records.abort("v2", Abort(actor="doctor", time=START, reason="stop"))
            runs.until("v2", Phase.ROLLED_BACK)

    sleeper.runner.fence = sleep
    sleeper.runner.tick()
    assert len(passed) == 2
    assert (runs.registry.champion(MODEL).version, runs.registry.get(MODEL, "v2").state) == ("v1", State.APPROVED)
    assert runs.world.service().stable.version == "v1"


def test_runner_whose_lease_was_taken_does_nothing_more(runs):
    """Neither what it had written down already nor anything else, until it holds the lock again."""
    now, taken = [START], []
    first, second = (
        StoredLock(runs.records.storage, runs.records.lock_key, owner, clock=lambda: now[0], lease_seconds=60)
        for owner in ("first", "second")
    )

    def lose(_before, after):
        if after.status.phase is Phase.STARTING and not taken:
            now[0] += timedelta(seconds=61)
            taken.append(second._acquire())

    def look_on(_seconds):
        assert runs.world.service().canary is None
        raise InterruptedError

    runs.runner.on_change = lose
    with pytest.raises(InterruptedError):
        run(runs.runner, first, sleep=look_on, interval_seconds=1.0)
    assert taken[0] is not None
    assert runs.phases() == {"v2": Phase.STARTING}


def test_registry_that_fails_stops_every_step_forward(runs, monkeypatch):
    """Nothing is promoted on a registry that does not answer; what it refused is told."""
    runs.until("v2", Phase.PROMOTING)

    def promote(*_arguments, **_options):
        raise StorageError("states.json: the bucket does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(runs.registry, "promote", promote)
        for _ in range(3):
            runs.runner.tick()
        assert runs.world.service().stable.version == "v1"
        assert runs.records.read("v2").status.problems == ("states.json: the bucket does not answer",)
    runs.until("v2", Phase.SUCCEEDED)
