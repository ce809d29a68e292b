"""The way back that a monitor orders: once for a version, and only while that is live."""

import pytest

from clinical_ner.errors import ConfigError, RolloutError
from clinical_ner.registry import Registry
from clinical_ner.rollout.queueing import superseded_by
from clinical_ner.rollout.specs import make_rollout
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.way_back import order_once, order_way_back
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.file_world import MODEL
from tests.clinical_ner.rollout.stage import START

CAUSE = Cause("monitor", START.replace(year=2027), "v2 is worse on reviewed notes")


@pytest.fixture
def rollouts(store):
    """v2 is live after v1, v3 approved, and the rollout of v2 has ended."""
    rollouts = StoredRollouts(store, MODEL)
    rollouts.write_status(rollouts.read("v2"), RolloutStatus(phase=Phase.SUCCEEDED))
    Registry(store).promote(MODEL, "v2", actor="a", reason="r")
    return rollouts


def order(rollouts, version="v2", cause=CAUSE):
    return order_once(rollouts, rollouts.storage, MODEL, version, cause)


def test_way_back_is_ordered_once(rollouts):
    """Each further order says the same and writes nothing."""
    assert order(rollouts) == order(rollouts) == "rollout v1-again brings v1 back in place of v2"
    restore = rollouts.all()[-1].spec
    assert (restore.version, restore.withdraws, restore.reason) == ("v1", "v2", CAUSE.reason)
    assert [each.spec.name for each in rollouts.all()] == ["v2", "v1-again"]


def test_way_back_takes_the_place_of_another_rollout(rollouts):
    """What is being rolled out is another version: it ends without being blamed, and may be tried again."""
    spec = rollouts.read("v2").spec
    canary = rollouts.create(spec.model_copy(update={"name": "v3", "version": "v3"}))
    canary = rollouts.write_status(canary, RolloutStatus(phase=Phase.HOLDING))
    assert "v1-again" in order(rollouts)
    assert superseded_by(canary, rollouts.all()) == "v1-again"
    assert rollouts.read("v3").requests.abort is None


def test_version_that_is_not_live_has_no_way_back(rollouts):
    """A decision that is older than the last promotion orders nothing."""
    assert order(rollouts, "v1") == order(rollouts, "v3") == ""
    Registry(rollouts.storage).roll_back(MODEL, "v2", actor="a", reason="r")
    assert order(rollouts) == ""
    assert len(rollouts.all()) == 1


def test_first_version_has_no_way_back(rollouts):
    """No version was live before it."""
    Registry(rollouts.storage).roll_back(MODEL, "v2", actor="a", reason="r")
    assert order(rollouts, "v1") == ""


def test_two_monitors_at_once_order_it_once(rollouts):
    """The slower one finds the order that was given after it had looked."""

    class Late(StoredRollouts):
        def all(self):
            found = super().all()
            order(rollouts)
            return found

    assert order(Late(rollouts.storage, MODEL)) == "rollout v1-again brings v1 back in place of v2"
    assert len(rollouts.all()) == 2


def test_order_that_came_to_nothing_is_told_and_not_repeated(rollouts):
    """A person must look: what ended it may end the next one too, or was their wish."""
    order(rollouts)
    rollouts.write_status(rollouts.read("v1-again"), RolloutStatus(phase=Phase.ROLLED_BACK, reason="v1 was never ready"))
    assert order(rollouts).endswith("and rolled-back: v1 was never ready; a person must look")
    assert len(rollouts.all()) == 2


def test_way_back_waits_for_the_live_version_to_be_there(rollouts):
    """While it is brought to a service that has lost it, there is nothing to go back from: nothing is written."""
    rollouts.create(make_rollout(rollouts.storage, MODEL, "v2", None, ["v2"], CAUSE))
    with pytest.raises(RolloutError, match="v2-again brings v2 to the service again"):
        order_way_back(rollouts, rollouts.storage, MODEL, CAUSE)
    assert [each.spec.name for each in rollouts.all()] == ["v2", "v2-again"]
    assert rollouts.read("v2-again").requests.abort is None


def test_order_needs_actor_and_reason(rollouts):
    """They are kept with the rollout and with the version's states."""
    with pytest.raises(ConfigError, match="reason"):
        order(rollouts, cause=CAUSE._replace(reason=" "))
