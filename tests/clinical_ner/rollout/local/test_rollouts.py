"""Whole rollouts on real model servers, under load, carried out by the real runner and state machine."""

import time
from contextlib import suppress

import pytest

from clinical_ner.clock import utc_now
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.local.source import local_metrics
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.specs import make_release
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.rollout.way_back import order_way_back
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause, State
from tests.clinical_ner.rollout.callers import Callers
from tests.clinical_ner.rollout.local.conftest import NAME, RunningService

pytestmark = pytest.mark.slow

BY = {"actor": "test", "reason": "a test"}
WAIT_SECONDS = 200
LOOSE = {f"allowed_{name}": 0.5 for name in ("errors", "refusals", "slow_median", "slow_tail")}
LOOSE |= {f"tolerated_{name}": 0.4 for name in ("slow_median", "slow_tail")}
"""Of a machine that others use too, latencies say little."""
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=0.2, min_requests=100) for percent in (10, 50, 100))
PLAN = RolloutPlan(steps=STEPS, rules=AnalysisRules(**LOOSE))


class Stage:
    """A registry with three approved versions, v1 live, and a service that serves it."""

    def __init__(self, folder, registry_uri, make_model):
        self.storage = open_storage(registry_uri)
        self.registry = Registry(self.storage)
        self.versions = {}
        for number in range(3):
            model = self.registry.register(NAME, make_model(number), **BY)
            self.registry.approve(NAME, model.version, **BY)
            self.versions[model.version] = ModelReference(model.version, model.digest, model.uri)
        self.registry.promote(NAME, "v1", **BY)
        self.rollouts = StoredRollouts(self.storage, NAME)
        self.service = RunningService(folder, self.versions["v1"]).start()
        self.service.wait_ready()

    def ask_for(self, version):
        cause = Cause("test", utc_now(), "a test")
        return self.rollouts.create(make_release(self.storage, NAME, version, PLAN, [], cause)).spec.name

    def make_runner(self, records=None, target=None):
        source = local_metrics(self.service.folder)
        return Runner(records or self.rollouts, target or self.service.target, source, self.registry, NAME)

    def run(self, until=lambda status: status.ended):
        """Carry everything out; returns the last rollout's status."""
        runner, deadline = self.make_runner(), time.monotonic() + WAIT_SECONDS
        while not until(status := runner.tick()[-1].status):
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def states(self):
        return {version: self.registry.get(NAME, version).state for version in self.versions}


@pytest.fixture
def stage(folder, tmp_path, other_model):
    made = Stage(folder, (tmp_path / "registry").as_uri(), other_model)
    yield made
    assert made.service.stop() == 0, made.service.logs


def held(status, percent):
    """From when to when a share was held, in seconds since 1970."""
    events = list(status.events)
    begin = next(index for index, event in enumerate(events) if (event.phase, event.reason) == begins(percent))
    return events[begin].time.timestamp(), events[begin + 1].time.timestamp()


def begins(percent):
    return Phase.HOLDING, f"v2 carries {percent} %"


def test_no_call_fails_from_start_to_roll_back(stage):
    """Promotion of v2, an aborted v3, and the way back to v1: every call is answered, and each share is what was asked for."""
    with Callers(stage.service.url) as callers:
        stage.ask_for("v2")
        released = stage.run()
        live = stage.registry.states(NAME).live
        stage.ask_for("v3")
        stage.run(until=lambda status: status.phase is Phase.HOLDING)
        stage.rollouts.abort("v3", Abort(actor="test", time=utc_now(), reason="enough"))
        aborted = stage.run()
        order_way_back(stage.rollouts, stage.storage, NAME, Cause("test", utc_now(), "a complaint"))
        restored = stage.run()
    assert callers.failures == []
    assert [status.phase for status in (released, aborted, restored)] == [
        Phase.SUCCEEDED,
        Phase.ROLLED_BACK,
        Phase.SUCCEEDED,
    ], restored.reason
    assert live == "v2"
    assert stage.states() == {"v1": State.LIVE, "v2": State.ROLLED_BACK, "v3": State.APPROVED}
    seen = stage.service.target.observe()
    assert (seen.stable.version, seen.canary) == ("v1", None)
    for step in STEPS[:-1]:
        counts = callers.versions(*held(released, step.percent))
        share, total = step.percent / 100, counts.total()
        assert abs(counts["v2"] - share * total) <= 4 * (share * (1 - share) * total) ** 0.5 + 1, counts


class Killed(BaseException):
    """The runner's end at one point; nothing of it goes on."""


class Deadly:
    """Kills whoever calls one of the named operations: before each one once, and after each one once."""

    def __init__(self, real, *operations):
        self._real, self._operations, self._deaths = real, operations, set()

    def __getattr__(self, name):
        real = getattr(self._real, name)
        return self._wrap(name, real) if name in self._operations else real

    def _wrap(self, name, real):
        def call(*arguments):
            percent = arguments[0] if name == "set_percent" else getattr(arguments[-1], "phase", None)
            self._die(name, percent, "before")
            result = real(*arguments)
            self._die(name, percent, "after")
            return result

        return call

    def _die(self, *point):
        if point not in self._deaths:
            self._deaths.add(point)
            raise Killed

    @property
    def deaths(self):
        return len(self._deaths)


def test_runner_that_is_killed_at_every_point_goes_on(stage):
    """Before and after each write and command, a new runner each time: one canary, one promotion, no failed call."""
    stage.ask_for("v2")
    target = Deadly(stage.service.target, "start", "set_percent", "promote", "abort")
    records = Deadly(stage.rollouts, "write_status")
    deadline = time.monotonic() + WAIT_SECONDS
    with Callers(stage.service.url) as callers:
        while not (status := stage.rollouts.read("v2").status).ended:
            assert time.monotonic() < deadline, status
            with suppress(Killed):
                stage.make_runner(records, target).tick()
            time.sleep(0.05)
    assert status.phase is Phase.SUCCEEDED, status.reason
    assert target.deaths + records.deaths >= 2 * (1 + len(STEPS) + 1 + 4)
    assert callers.failures == []
    assert stage.states() == {"v1": State.RETIRED, "v2": State.LIVE, "v3": State.APPROVED}
    assert stage.service.target.observe().stable.restarts == 0
