"""The Lease of a real API server, held by one of several controllers on clocks of their own."""

from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner.errors import ConfigError, Conflict
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.controller.lease import DURATION_SECONDS, LEASES, NAME, ClusterLease
from tests.clinical_ner.rollout.controller.conftest import away


class Hands:
    """A clock that is moved by hand; its wall clock is of another age, and goes backwards."""

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(1970, 1, 9, tzinfo=UTC) - timedelta(seconds=self.seconds)


@pytest.fixture
def left_clock():
    return Hands(5.0)


@pytest.fixture
def right_clock():
    return Hands(90_000.0)


@pytest.fixture
def left(cluster_api, left_clock):
    return ClusterLease(cluster_api, "left", "ner", monotonic=left_clock, clock=left_clock.wall)


@pytest.fixture
def right(cluster_api, right_clock):
    return ClusterLease(cluster_api, "right", "ner", monotonic=right_clock)


def spec(api: KubernetesApi):
    return api.get(LEASES, NAME)["spec"]


def test_one_of_two_holds_it(cluster_api, left, right):
    """Whoever asks first, and as often as it asks again; the object says who."""
    assert (left.acquire(), right.acquire(), left.acquire()) == (True, False, True)
    assert (left.held, right.held) == (True, False)
    found = spec(cluster_api)
    assert (found["holderIdentity"], found["leaseDurationSeconds"], found["leaseTransitions"]) == ("left", DURATION_SECONDS, 0)
    left.check()
    with pytest.raises(Conflict, match="another controller may act"):
        right.check()


def test_lease_that_is_given_back_is_taken_at_once(cluster_api, left, right):
    """By who was refused a moment ago; giving back what is not held does nothing."""
    left.acquire()
    assert not right.acquire()
    right.release()
    left.release()
    assert (right.acquire(), left.acquire(), left.held) == (True, False, False)
    assert spec(cluster_api)["leaseTransitions"] == 1


def test_holder_that_died_is_followed_after_its_whole_duration(left, right, right_clock):
    """By the clock of who waits, from when it first saw the Lease; the wall clock of the dead is not looked at."""
    left.acquire()
    assert not right.acquire()
    right_clock.seconds += DURATION_SECONDS - 1
    assert not right.acquire()
    right_clock.seconds += 1
    assert right.acquire()


def test_holder_that_renews_is_not_followed(left, left_clock, right, right_clock):
    """However long it holds."""
    for _ in range(4):
        left_clock.seconds += DURATION_SECONDS / 2
        right_clock.seconds += DURATION_SECONDS / 2
        assert (left.acquire(), right.acquire()) == (True, False)


def test_sleeper_does_nothing_after_its_time(left, left_clock, right, right_clock):
    """It stops believing before anybody else may take over, and learns then that it lost."""
    left.acquire()
    right.acquire()
    left_clock.seconds += DURATION_SECONDS - 1
    right_clock.seconds += DURATION_SECONDS - 1
    assert not left.held
    assert not right.acquire()
    right_clock.seconds += 2
    assert right.acquire()
    with pytest.raises(Conflict):
        left.check()
    assert not left.acquire()


def test_work_renews_the_lease(cluster_api, left, left_clock, right):
    """One that makes progress keeps it, however long a round takes."""
    left.acquire()
    before = cluster_api.get(LEASES, NAME)["metadata"]["resourceVersion"]
    left.check()
    assert cluster_api.get(LEASES, NAME)["metadata"]["resourceVersion"] == before
    for _ in range(5):
        left_clock.seconds += DURATION_SECONDS * 0.6
        left.check()
    assert not right.acquire()


def test_api_server_that_is_away_ends_a_lease_in_its_time(cluster_api, left, left_clock, tmp_path):
    """Not before, since nobody else can take it meanwhile; and not later."""
    left.acquire()
    left.api = away(cluster_api.namespace, tmp_path)
    left_clock.seconds += DURATION_SECONDS / 2
    left.check()
    left_clock.seconds += DURATION_SECONDS / 2
    with pytest.raises(Conflict):
        left.check()
    left.release()
    assert not left.held


def test_lease_that_was_deleted_is_made_again(cluster_api, left, right):
    """By whoever asks first."""
    left.acquire()
    cluster_api.delete(LEASES, NAME)
    assert right.acquire()
    assert not left.acquire()


def test_second_service_of_a_namespace_is_refused(left, right):
    """It is told whose Lease it is instead of waiting for ever; one that was given back is anybody's."""
    left.acquire()
    right.service = "other"
    with pytest.raises(ConfigError, match=r"of the service ner; .*: give other a namespace of its own"):
        right.acquire()
    assert not right.held
    left.release()
    assert right.acquire()
    with pytest.raises(ConfigError, match="of the service other"):
        left.acquire()
