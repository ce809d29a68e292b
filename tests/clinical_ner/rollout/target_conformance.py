"""What every target must do; each has a test module with a subclass of :class:`TargetConformance` and a ``harness`` fixture."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Protocol

import pytest

from clinical_ner.errors import TargetChanged
from clinical_ner.rollout.targets import ModelReference, Observation, Target

WAIT_SECONDS = 90
NOT_A_MODEL = "sha256:" + "f" * 64


class Traffic(Protocol):
    """Callers of the service while a block ran."""

    @property
    def failures(self) -> list[object]: ...
    def versions(self) -> Counter[str]: ...


class Harness(Protocol):
    """A service with a ready stable and no canary. ``models`` are three versions, of which one is the stable."""

    target: Target
    models: dict[str, ModelReference]

    def calls(self) -> AbstractContextManager[Traffic]:
        """Steady calls while the block runs; where nothing real answers, a traffic without any."""
        ...

    def crash(self, role: str) -> None:
        """End a process of the ``canary`` or ``stable`` as a fault does."""
        ...


def wait_for(target: Target, condition: Callable[[Observation], object]) -> Observation:
    """Look until the observation is as wanted."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition(seen := target.observe()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def retry(target: Target, operation: Callable[[Observation], None], until: Callable[[Observation], object]) -> Observation:
    """Ask again with each fresh observation, as the state machine does, until it is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not until(seen := target.observe()):
        assert time.monotonic() < deadline, seen
        try:
            operation(seen)
        except TargetChanged:
            continue
        time.sleep(0.05)
    return seen


def set_percent(target: Target, percent: int) -> Observation:
    return retry(target, lambda seen: target.set_percent(percent, seen), lambda seen: seen.percent == percent)


def start(target: Target, model: ModelReference) -> Observation:
    return retry(target, lambda seen: target.start(model, seen), lambda seen: seen.canary and seen.canary.ready)


def clear(target: Target) -> Observation:
    return retry(target, target.abort, lambda seen: seen.canary is None and seen.percent == 0)


class TargetConformance:
    """Tests for one service that lives through all of them; each begins with its stable alone."""

    abort_renews_stable = False
    """Whether other processes serve the stable version after an abort. In Knative mode they do: what carries everything is the
    latest revision, and after the canary's that can only be a new one of the stable's model."""

    @pytest.fixture
    def target(self, harness: Harness) -> Target:
        clear(harness.target)
        wait_for(harness.target, lambda seen: seen.stable and seen.stable.ready)
        return harness.target

    @pytest.fixture
    def model(self, harness: Harness, target: Target) -> ModelReference:
        """A version that is not served."""
        stable = target.observe().stable
        return next(each for name, each in harness.models.items() if name != stable.version)

    def test_service_at_rest_shows_its_stable_alone(self, harness, target):
        """Without a canary its share is 0 and nothing is asked for; the stable is known by version and digest."""
        seen = target.observe()
        assert (seen.canary, seen.percent, seen.asked, seen.missing, seen.drift) == (None, 0, None, False, ())
        assert seen.stable.digest == harness.models[seen.stable.version].digest

    def test_started_canary_gets_nothing(self, harness, target, model):
        """It becomes ready at 0 % under its own version and digest, beside a stable as before, and no call reaches it."""
        stable = target.observe().stable
        with harness.calls() as traffic:
            seen = start(target, model)
            assert (seen.percent, seen.asked) == (0, 0)
            assert (seen.canary.version, seen.canary.digest) == (model.version, model.digest)
            assert seen.stable == stable
        assert traffic.failures == []
        assert model.version not in traffic.versions()

    def test_starting_again_is_the_same_canary(self, target, model):
        """Whoever does not know whether it was started may start it again."""
        first = start(target, model)
        target.start(model, target.observe())
        second = target.observe()
        assert (second.canary.incarnation, second.canary.restarts) == (first.canary.incarnation, 0)

    def test_second_canary_is_refused(self, harness, target, model):
        """Never two: another version is not started while one is there."""
        start(target, model)
        stable = target.observe().stable
        other = next(each for name, each in harness.models.items() if name not in {stable.version, model.version})
        with pytest.raises(TargetChanged):
            target.start(other, target.observe())
        assert target.observe().canary.version == model.version

    def test_each_share_is_proven(self, harness, target, model):
        """Up and down, what is asked for is seen to be so, processes stay, and no call fails."""
        first = start(target, model)
        with harness.calls() as traffic:
            for percent in (1, 10, 50, 100, 10, 0):
                seen = set_percent(target, percent)
                assert seen.asked == percent
        assert (seen.canary.incarnation, seen.stable) == (first.canary.incarnation, first.stable)
        assert traffic.failures == []

    def test_old_observation_changes_nothing(self, target, model):
        """Who has slept through a change, and acts by what it saw before, is refused."""
        old = start(target, model)
        set_percent(target, 10)
        for late in (lambda: target.set_percent(100, old), lambda: target.promote(old), lambda: target.abort(old)):
            with pytest.raises(TargetChanged):
                late()
        seen = target.observe()
        assert (seen.asked, seen.canary.version) == (10, model.version)

    def test_promotion_restarts_nothing(self, harness, target, model):
        """The canary at 100 % is the stable with the very same processes, nothing is left of the one before, no call fails."""
        start(target, model)
        with harness.calls() as traffic:
            before = set_percent(target, 100)
            seen = retry(target, target.promote, lambda seen: seen.canary is None)
            seen = wait_for(target, lambda seen: seen.stable.ready and seen.percent == 0)
        assert (seen.stable.version, seen.stable.digest) == (model.version, model.digest)
        assert (seen.stable.incarnation, seen.stable.restarts) == (before.canary.incarnation, before.canary.restarts)
        assert seen.asked is None
        assert traffic.failures == []

    def test_version_before_comes_back_as_a_canary(self, harness, target, model):
        """After a promotion the former stable can be rolled out again at once, and no call fails."""
        former = harness.models[target.observe().stable.version]
        start(target, model)
        set_percent(target, 100)
        with harness.calls() as traffic:
            retry(target, target.promote, lambda seen: seen.canary is None)
            start(target, former)
            set_percent(target, 100)
            seen = retry(target, target.promote, lambda seen: seen.canary is None)
        assert seen.stable.version == former.version
        assert traffic.failures == []

    def test_promotion_below_100_changes_nothing(self, target, model):
        """Callers who are still sent to the stable would be cut off."""
        start(target, model)
        before = set_percent(target, 50)
        with suppress(TargetChanged):
            target.promote(before)
        seen = target.observe()
        assert (seen.stable, seen.canary, seen.asked) == (before.stable, before.canary, 50)

    def test_abort_takes_traffic_away_first(self, harness, target, model):
        """Asked again and again, it ends with the stable alone, as it was; no call fails, and once more changes nothing."""
        start(target, model)
        with harness.calls() as traffic:
            before = set_percent(target, 50)
            target.abort(before)
            shrunk = target.observe()
            assert shrunk.canary is not None
            assert shrunk.asked in {0, None}
            seen = clear(target)
        expected = replace(before.stable, incarnation=seen.stable.incarnation) if self.abort_renews_stable else before.stable
        assert (seen.stable, seen.canary) == (expected, None)
        assert traffic.failures == []
        target.abort(seen)
        assert target.observe().stable == seen.stable

    def test_next_canary_after_an_abort_begins_at_0(self, target, model):
        """Neither the share nor the model of the rejected canary is left for the next one (kserve#2130)."""
        start(target, model)
        set_percent(target, 50)
        clear(target)
        seen = start(target, model)
        assert (seen.percent, seen.asked, seen.canary.restarts) == (0, 0, 0)

    def test_canary_that_never_gets_ready_says_why(self, harness, target, model):
        """The server refuses a digest that its files do not have: callers notice nothing, and it can be aborted."""
        with harness.calls() as traffic:
            target.start(ModelReference(model.version, NOT_A_MODEL, model.uri), target.observe())
            seen = wait_for(target, lambda seen: seen.canary and seen.canary.restarts)
            assert not seen.canary.ready
            assert seen.canary.reason
            clear(target)
        assert traffic.failures == []
        assert model.version not in traffic.versions()

    @pytest.mark.parametrize(("role", "other"), [("canary", "stable"), ("stable", "canary")])
    def test_crash_is_counted(self, harness, target, model, role, other):
        """Restarts tell of a process that ended, in the same incarnation, and the other version's are as before."""
        before = start(target, model)
        harness.crash(role)
        seen = wait_for(target, lambda seen: getattr(seen, role).restarts > getattr(before, role).restarts)
        assert getattr(seen, role).incarnation == getattr(before, role).incarnation
        assert getattr(seen, other) == getattr(before, other)
