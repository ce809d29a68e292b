"""Whole rollouts by controllers beside a real API server, with what may go wrong on its side."""

from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
import yaml

from clinical_ner.errors import ClusterUnreachable, Conflict
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.controller.lease import LEASES, NAME, ClusterLease
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS, to_object
from clinical_ner.rollout.custom_resources.events import EVENTS
from clinical_ner.rollout.status import Approval, Phase
from tests.clinical_ner.rollout.controller.running import Running
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE
from tests.clinical_ner.rollout.stage import START
from tests.servers.kubernetes import TOKEN

RIGHTS = Path(__file__).parents[4] / "manifests/rbac/rollout-controller.yaml"


def test_rollout_succeeds_and_is_told(one, start, cluster_api):
    """In the registry, in the service, as events, as lines and as numbers."""
    start()
    one.until("v2", Phase.SUCCEEDED)
    assert one.round() == "looked"
    assert (one.world.service().stable.version, Registry(one.storage).champion(MODEL).version) == ("v2", "v2")
    reasons = {each["reason"] for each in cluster_api.list(EVENTS)}
    assert {"Starting", "Shifting", "Holding", "StepPassed", "Promoting", "Succeeded"} <= reasons
    assert [line["phase"] for line in one.told("rollout")][-1] is Phase.SUCCEEDED
    labels = {"model_name": MODEL, "rollout": "v2", "model_version": "v2"}
    assert one.value("phase", phase="succeeded", **labels) == 1
    assert one.value("controller_leading") == 1
    conditions = {each["type"]: each for each in cluster_api.get(MODEL_ROLLOUTS, "v2")["status"]["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Reconciling"]["status"]) == ("True", "False")


def test_rights_of_its_account_are_enough(newest, cluster_api, store, start, tmp_path):
    """Those in manifests/rbac, from the first look to the end, events and Lease included; it can make no rollout itself."""
    start()
    running = Running(store, log_in(newest, cluster_api.namespace, tmp_path))
    running.until("v2", Phase.SUCCEEDED)
    assert running.value("controller_lost_events_total") == 0
    assert running.value("controller_rounds_total", outcome="failed") == 0
    with pytest.raises(ClusterUnreachable, match="cannot create resource"):
        running.records.create(running.records.read("v2").spec.model_copy(update={"name": "v9"}))


def log_in(cluster, namespace, folder):
    """The API as the controller's account."""
    cluster.apply(*yaml.safe_load_all(RIGHTS.read_text()), options=("-n", namespace))
    token = cluster.kubectl("-n", namespace, "create", "token", "clinical-ner-rollout-controller").strip()
    config = folder / "kubeconfig-controller"
    config.write_text(cluster.kubeconfig.read_text().replace(TOKEN, token))
    return KubernetesApi.connect(namespace, kubeconfig=str(config))


def test_of_two_controllers_one_acts(one, start, store, cluster_api):
    """The other waits, shows nothing, and goes on as soon as the first one has left."""
    start()
    two = Running(store, cluster_api, "two")
    one.until("v2", Phase.HOLDING)
    assert {two.round() for _ in range(3)} == {"waited"}
    assert (one.value("controller_leading"), two.value("controller_leading")) == (1, 0)
    assert two.told("rollout") == []
    one.controller.lease.release()
    assert two.round() == "looked"
    assert one.round() == "waited"
    two.until("v2", Phase.SUCCEEDED)
    assert one.world.service().canaries_started == 1


def test_lease_that_is_lost_in_the_middle_of_a_round_ends_it(one, start, cluster_api, monkeypatch):
    """Between looking and writing another took over: neither is the status written nor anything done."""
    start()
    one.until("v2", Phase.HOLDING)
    before, service, observe = one.records.read("v2"), one.world.service(), one.world.observe

    def slow_observe():
        found = cluster_api.get(LEASES, NAME)
        cluster_api.replace(LEASES, {**found, "spec": {**found["spec"], "holderIdentity": "two"}})
        one.controller.lease.monotonic = lambda: 1e9
        return observe()

    with monkeypatch.context() as patch:
        patch.setattr(one.world, "observe", slow_observe)
        assert one.round() == "failed"
    assert one.records.read("v2") == before
    assert one.world.service().asked == service.asked
    assert "another controller may act" in one.told("round failed")[0]["reason"]


def test_lease_that_is_lost_before_an_action_leaves_it_undone(one, start, cluster_api):
    """The status was written; whoever holds the Lease now sees that it was not acted on, and does it."""
    start()
    lease, checks = one.controller.lease, []

    def check():
        checks.append(lease.held)
        if len(checks) == 2:
            raise Conflict("lost")

    one.controller.runner.fence = check
    one.round()
    assert one.records.read("v2").status.phase is Phase.STARTING
    assert one.world.service().canaries_started == 0
    one.until("v2", Phase.HOLDING)
    assert one.world.service().canaries_started == 1


def test_second_rollout_waits_and_third_supersedes(one, start):
    """As on a laptop: the first goes back whole, the second never began."""
    start()
    start("v3", minutes=1)
    one.until("v2", Phase.HOLDING)
    assert one.records.read("v3").status.waits_for == "rollout v2 of the same service to end"
    start("v3", minutes=2, name="v3-again", when_busy="supersede")
    one.until("v2", Phase.ROLLED_BACK).until("v3", Phase.ROLLED_BACK).until("v3-again", Phase.STARTING)
    assert "v3-again takes its place" in one.records.read("v2").status.reason


def test_approval_that_arrives_twice_counts_once(one, start, records):
    """The start waits for the first; the second changes nothing."""
    start(approval="before-start")
    one.until("v2", Phase.WAITING_APPROVAL).round()
    for actor in ("ada", "bob"):
        records.approve("v2", Approval(gate="start", actor=actor, time=START, reason="read it"))
        one.round()
    one.until("v2", Phase.HOLDING)
    assert [each.actor for each in records.read("v2").requests.approvals] == ["ada"]
    assert one.world.service().canaries_started == 1


@pytest.mark.parametrize("hours", [-50, 50])
def test_clock_that_jumps_changes_nothing(one, start, hours):
    """Neither hold nor Lease are of the wall clock."""
    start()
    one.until("v2", Phase.HOLDING)
    held = one.records.read("v2").status.hold.held_seconds
    now = one.world.now
    one.controller.runner.timer = lambda: (found := now()).model_copy(update={"time": found.time + timedelta(hours=hours)})
    clock = one.controller.lease.clock
    one.controller.lease.clock = lambda: clock() + timedelta(hours=hours)
    assert one.round() == "looked"
    status = one.records.read("v2").status
    assert (status.phase, status.hold.held_seconds - held) == (Phase.HOLDING, 5)


def test_loop_that_stands_still_is_unhealthy(one, start):
    """One whose rounds fail is not."""
    clock = [0.0]
    one.controller.monotonic = lambda: clock[0]
    one.round()
    clock[0] += 299
    assert one.controller.healthy
    clock[0] += 2
    assert not one.controller.healthy


def test_hand_made_object_is_rolled_out_too(one, store, cluster_api, records, start):
    """By kubectl or from git, without a label."""
    stored = start()
    cluster_api.delete(MODEL_ROLLOUTS, "v2")
    body = to_object(stored, SERVICE)
    del body["status"], body["metadata"]["labels"], body["spec"]["created"], body["spec"]["approvals"]
    cluster_api.create(MODEL_ROLLOUTS, body)
    one.until("v2", Phase.HOLDING)


def test_lease_is_given_back_at_the_end(one, start, cluster_api):
    """Whoever comes next need not wait."""
    stop = Event()
    stop.set()
    start()
    one.round()
    one.controller.run(stop)
    assert one.value("controller_leading") == 0
    assert ClusterLease(cluster_api, "two", SERVICE).acquire()
