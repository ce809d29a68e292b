"""Events of a real API server regarding rollouts."""

import pytest

from clinical_ner.errors import ClusterUnreachable
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.custom_resources.events import EVENTS, MAX_NOTE_BYTES, RolloutEvents
from clinical_ner.rollout.custom_resources.telling import Telling, tellings
from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.rollouts_conformance import spec
from tests.clinical_ner.rollout.stage import Stage
from tests.servers.kubernetes import TOKEN


@pytest.fixture
def failures():
    return []


@pytest.fixture
def events(cluster_api, failures):
    return RolloutEvents(cluster_api, "a-pod", on_failure=lambda *what: failures.append(what))


def story(stage, looks=60):
    """What is told of a stage's rollout while it goes well."""
    told = []
    for _ in range(looks):
        before = stage.status
        stage.go_well(1)
        told += tellings(before, stage.status)
    return told


def test_each_step_and_each_end_is_told():
    """Once, in the order in which it happened, with the numbers that a step passed by."""
    told = story(Stage().set_out())
    assert [each.reason for each in told if not each.reason.startswith("Analysis")] == [
        "Starting",
        *("Shifting", "Holding", "StepPassed") * 3,
        "Promoting",
        "Succeeded",
    ]
    assert not any(each.warning for each in told)
    assert next(each.note for each in told if each.reason == "StepPassed").startswith("5 % was held 45 seconds for ")


def test_way_back_is_a_warning():
    """With the check that failed."""
    stage = Stage().set_out().go_to(Phase.HOLDING, 5)
    stage.traffic(300, 290)
    told = {each.reason: each for each in story(stage)}
    assert told["RollingBack"].warning
    assert "worse than the stable version at 5 %: errors" in told["RollingBack"].note
    assert told["RolledBack"].warning


def test_unchanged_status_tells_nothing():
    """Looks that bring nothing new are in no event."""
    status = Stage().set_out().go_to(Phase.HOLDING, 5).status
    assert list(tellings(status, status)) == []


def test_event_regards_its_rollout(newest, cluster_api, records, events, failures):
    """kubectl describe shows it below the rollout; a note longer than the API takes is cut between characters."""
    before = records.create(spec("v2"))
    events.tell_change(before, records.write_status(before, Stage().set_out().go_to(Phase.STARTING).status))
    events.tell("v2", Telling("Unreadable", "µ" * MAX_NOTE_BYTES, warning=True))
    shown = newest.kubectl("-n", cluster_api.namespace, "describe", "modelrollout", "v2")
    assert "Normal   Starting" in shown
    assert "Warning  Unreadable" in shown
    assert {each["reportingInstance"] for each in cluster_api.list(EVENTS)} == {"a-pod"}
    assert failures == []


def test_event_that_cannot_be_written_is_told_and_lost(newest, cluster_api, records, events, failures, tmp_path):
    """Neither a missing right nor a rollout that is gone stops who tells."""
    records.create(spec("v2"))
    newest.kubectl("-n", cluster_api.namespace, "create", "serviceaccount", "reader")
    rights = ("--verb=get", "--resource=modelrollouts.clinical-ner.io")
    newest.kubectl("-n", cluster_api.namespace, "create", "role", "reader", *rights)
    account = f"{cluster_api.namespace}:reader"
    newest.kubectl(
        "-n", cluster_api.namespace, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={account}"
    )
    token = newest.kubectl("-n", cluster_api.namespace, "create", "token", "reader").strip()
    config = tmp_path / "kubeconfig"
    config.write_text(newest.kubeconfig.read_text().replace(TOKEN, token))
    reader = KubernetesApi.connect(cluster_api.namespace, kubeconfig=str(config))
    telling = Telling("Starting", "")
    RolloutEvents(reader, "a-pod", on_failure=lambda *what: failures.append(what)).tell("v2", telling)
    events.tell("gone", telling)
    ((lost, why),) = failures
    assert (lost, type(why)) == (telling, ClusterUnreachable)
    assert "403" in str(why)
