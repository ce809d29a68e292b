"""Asking for a rollout again and again, and waiting for its end."""

import pytest

from clinical_ner.errors import AlreadyExists, NotFound, RegistryError, RolloutError, StorageError
from clinical_ner.registry import Registry
from clinical_ner.rollout.asking import ask_once
from clinical_ner.rollout.live_pointer import check_no_rollout
from clinical_ner.rollout.plan import DEFAULT_PLAN
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.waiting import POLL_SECONDS, SILENT_SECONDS, wait_for_end
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.file_world import MODEL
from tests.clinical_ner.rollout.stage import START

CAUSE = Cause("pipeline", START, "passed the gate")


@pytest.fixture
def rollouts(store):
    """v1 is live, v2 and v3 approved, and there is a rollout of v2."""
    return StoredRollouts(store, MODEL)


def ask(rollouts, version):
    return ask_once(rollouts, rollouts.storage, Registry(rollouts.storage).get(MODEL, version), DEFAULT_PLAN, CAUSE)


def move(rollouts, name, phase):
    return rollouts.write_status(rollouts.read(name), RolloutStatus(phase=phase))


def test_asked_twice_it_is_one_rollout(rollouts):
    """Whoever made it, and however it stands."""
    assert ask(rollouts, "v3").spec.plan == DEFAULT_PLAN
    before = move(rollouts, "v3", Phase.ROLLED_BACK)
    assert ask(rollouts, "v3") == before
    assert ask(rollouts, "v2") == rollouts.read("v2")
    assert len(rollouts.all()) == 2


def test_asked_by_two_at_once_it_is_one_rollout(rollouts):
    """The slower one finds what the faster one made after it had looked."""

    class Late(StoredRollouts):
        def create(self, spec):
            super().create(spec)
            raise AlreadyExists("another was faster")

    assert ask(Late(rollouts.storage, MODEL), "v3").spec.name == "v3"


def test_rollout_of_another_model_is_not_taken_for_ones_own(rollouts):
    """A record of that name that another registry left."""
    spec = rollouts.read("v2").spec
    rollouts.create(spec.model_copy(update={"name": "v3"}))
    with pytest.raises(RolloutError, match=r"rollout v3 is of sha256:.* another registry left it"):
        ask(rollouts, "v3")


def test_name_that_another_service_has_taken_is_told(rollouts):
    """In a cluster's namespace: the name is taken, but the rollout is none of this service's."""

    class Foreign(StoredRollouts):
        def create(self, _spec):
            raise AlreadyExists("v3 exists")

    with pytest.raises(RolloutError, match="a rollout v3 of another service is in the way"):
        ask(Foreign(rollouts.storage, MODEL), "v3")


def test_version_that_may_not_be_rolled_out_is_refused(rollouts):
    """Nothing is left of the attempt."""
    with pytest.raises(RegistryError, match="v1 is live"):
        ask(rollouts, "v1")
    with pytest.raises(NotFound):
        rollouts.read("v1")


def test_live_pointer_is_the_rollouts_while_it_is_under_way(rollouts):
    """One that was only asked for, or has ended, holds nobody up."""
    check_no_rollout(rollouts.storage, MODEL)
    move(rollouts, "v2", Phase.SHIFTING)
    with pytest.raises(RegistryError, match=r"rollout v2 of clinical-ner is shifting.*abort v2"):
        check_no_rollout(rollouts.storage, MODEL)
    move(rollouts, "v2", Phase.SUCCEEDED)
    check_no_rollout(rollouts.storage, MODEL)


class Waiting:
    """What was told while the time passed; ``at`` says what happens after so many looks."""

    def __init__(self, rollouts, at):
        self.rollouts, self.at, self.slept, self.told = rollouts, at, [], []

    def run(self, seconds):
        first = self.rollouts.read("v2")
        return wait_for_end(self.rollouts, first, seconds=seconds, sleep=self.sleep, tell=lambda *what: self.told.append(what))

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at.pop(len(self.slept), lambda: None)()


def test_waiting_ends_with_the_rollout(rollouts):
    """Each change is told once, with the look before."""
    phases = {2: Phase.STARTING, 5: Phase.SUCCEEDED}
    waiting = Waiting(rollouts, {look: lambda phase=phase: move(rollouts, "v2", phase) for look, phase in phases.items()})
    assert waiting.run(3600).status.phase is Phase.SUCCEEDED
    assert waiting.slept == [POLL_SECONDS] * 5
    assert [stored.status.phase for stored, _ in waiting.told] == [Phase.PENDING, Phase.STARTING, Phase.SUCCEEDED]


def test_waiting_ends_with_its_time(rollouts):
    """To the second; without time it looks once."""
    waiting = Waiting(rollouts, {})
    assert waiting.run(POLL_SECONDS * 2 + 1).status.phase is Phase.PENDING
    assert sum(waiting.slept) == POLL_SECONDS * 2 + 1
    assert Waiting(rollouts, {}).run(0).status.phase is Phase.PENDING


def test_waiting_is_told_while_nothing_changes(rollouts, monkeypatch):
    """Now and then, with why the rollout cannot be read at present; that is no end."""

    def read(_name):
        raise StorageError("the bucket does not answer")

    waiting = Waiting(rollouts, {1: lambda: monkeypatch.setattr(rollouts, "read", read)})
    waiting.run(2 * SILENT_SECONDS)
    assert [problem for _, problem in waiting.told] == ["", *["the bucket does not answer"] * 2]


def test_rollout_that_is_removed_is_not_waited_for(rollouts):
    """Nobody will end it."""
    waiting = Waiting(rollouts, {1: lambda: rollouts.storage.delete(f"rollouts/{MODEL}/v2.json")})
    with pytest.raises(RolloutError, match="rollout v2 was removed"):
        waiting.run(60)
