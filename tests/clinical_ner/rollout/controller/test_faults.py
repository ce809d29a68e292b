"""What may go wrong between a controller and the API server: nothing is done in doubt, and then it goes on."""

import pytest

from clinical_ner.errors import Conflict
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS
from clinical_ner.rollout.custom_resources.events import EVENTS
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.controller.running import Running
from tests.clinical_ner.rollout.file_world import SERVICE
from tests.doubles.faulty_kubernetes import FaultyKubernetes


@pytest.fixture
def faulty(newest, cluster_api, tmp_path):
    server = FaultyKubernetes(newest, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def behind_faults(store, cluster_api, faulty):
    """A controller that reaches the API server through faults."""
    return Running(store, KubernetesApi.connect(cluster_api.namespace, kubeconfig=str(faulty.kubeconfig)))


@pytest.mark.parametrize("code", [0, 403, 409, 429, 503])
def test_api_server_that_fails_is_outlasted(behind_faults, start, faulty, code):
    """No answer, no right, conflicts, too many requests: each round is told as failed, nothing is done, and then it goes on."""
    start()
    behind_faults.until("v2", Phase.HOLDING)
    before = behind_faults.world.service()
    with faulty.failing(code):
        assert {behind_faults.round() for _ in range(3)} <= {"failed", "waited"}
    after = behind_faults.world.service()
    assert (after.asked, after.canary) == (before.asked, before.canary)
    assert behind_faults.controller.healthy
    held = behind_faults.records.read("v2").status.hold.held_seconds
    assert behind_faults.round() == "looked"
    assert behind_faults.records.read("v2").status.hold.held_seconds > held


@pytest.mark.parametrize("code", [0, 403, 409, 429])
def test_status_that_cannot_be_written_is_not_acted_on(behind_faults, start, faulty, code):
    """The look happened, but nothing is done in the name of a status that nobody can read."""
    start()
    behind_faults.round()
    with faulty.failing(code, lambda method, path: method == "PUT" and path.endswith("/status")):
        for _ in range(8):
            behind_faults.round()
    assert behind_faults.world.service().asked == 0
    assert behind_faults.records.read("v2").status.phase is Phase.STARTING
    behind_faults.until("v2", Phase.HOLDING)


def test_events_that_cannot_be_written_stop_nothing(behind_faults, start, faulty):
    """They are counted."""
    start()
    with faulty.failing(403, lambda method, path: "/events" in path):
        behind_faults.until("v2", Phase.HOLDING)
    assert behind_faults.value("controller_lost_events_total") == 3


def test_unreadable_rollout_is_told_once_and_left_out(one, start, records, cluster_api):
    """The others go on; it is shown as long as it is there."""
    stored = start()
    ClusterRollouts(cluster_api, SERVICE, "another").create(stored.spec.model_copy(update={"name": "v7", "model": "another"}))
    one.until("v2", Phase.HOLDING)
    assert one.value("controller_unreadable", rollout="v7") == 1
    assert len(one.told("unreadable")) == 1
    assert [each["regarding"]["name"] for each in cluster_api.list(EVENTS) if each["reason"] == "Unreadable"] == ["v7"]
    cluster_api.delete(MODEL_ROLLOUTS, "v7")
    one.round()
    assert one.value("controller_unreadable", rollout="v7") is None


def test_rollout_that_cannot_be_written_down_holds_no_other_up(one, start, records):
    """It is tried again at each round, and told."""
    start()
    start("v3", minutes=1)
    write = one.records.write_status

    def refuse_v2(stored, status):
        if stored.spec.name == "v2":
            raise Conflict("refused") from None
        return write(stored, status)

    one.records.write_status = refuse_v2
    one.round()
    assert one.records.read("v3").status.waits_for == "rollout v2 of the same service to end"


def test_rollout_that_was_deleted_is_gone(one, start, cluster_api):
    """What it left in the service is a person's to look at: nothing is done in its name any more."""
    start()
    one.until("v2", Phase.HOLDING)
    before = one.world.service()
    cluster_api.delete(MODEL_ROLLOUTS, "v2")
    assert one.round() == "looked"
    assert one.world.service() == before
