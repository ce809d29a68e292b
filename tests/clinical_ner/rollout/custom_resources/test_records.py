"""Rollouts as objects of a real API server."""

import pytest

from clinical_ner.errors import ConfigError, Conflict, NotFound, StorageError
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.status import Phase, RolloutStatus
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE
from tests.clinical_ner.rollout.rollouts_conformance import RolloutsConformance, abort, approval, spec


class TestClusterRollouts(RolloutsConformance):
    """On custom resources."""


def conditions(api, name="v2"):
    status = api.get(MODEL_ROLLOUTS, name)["status"]
    return {each["type"]: each for each in status["conditions"]}, status["observedGeneration"]


def test_conditions_are_written_with_the_status(records, cluster_api):
    """With the generation that was acted on; one that stays true keeps its time."""
    stored = records.write_status(records.create(spec("v2", approval="before-start")), RolloutStatus(phase=Phase.STARTING))
    before, generation = conditions(cluster_api)
    assert (before["Reconciling"]["status"], before["Ready"]["status"], generation) == ("True", "False", 1)
    records.approve("v2", approval())
    late = ClusterRollouts(cluster_api, SERVICE, MODEL, clock=lambda: approval().time)
    late.write_status(late.read("v2"), RolloutStatus(phase=Phase.SUCCEEDED))
    after, generation = conditions(cluster_api)
    assert (after["Ready"]["status"], generation) == ("True", 2)
    assert after["Ready"]["lastTransitionTime"] == "2026-03-01T00:00:00Z"
    assert after["Stalled"] == {**before["Stalled"], "reason": "Succeeded", "observedGeneration": 2}
    assert stored.status.phase is Phase.STARTING


def test_service_sees_its_own_rollouts_alone(records, cluster_api):
    """Another service of the namespace has rollouts of the same versions under other names."""
    records.create(spec("v2"))
    other = ClusterRollouts(cluster_api, "other", MODEL)
    assert other.all() == []
    with pytest.raises(NotFound, match="no ModelRollout v2 of other"):
        other.abort("v2", abort())


def test_unreadable_object_does_not_stop_the_others(records, cluster_api):
    """It is told with its name and why, and left out; asked for by its name, it is an error."""
    told = []
    records = ClusterRollouts(cluster_api, SERVICE, MODEL, on_unreadable=lambda *what: told.append(what))
    records.create(spec("v2"))
    ClusterRollouts(cluster_api, SERVICE, "another").create(spec("v3", model="another"))
    assert [each.spec.name for each in records.all()] == ["v2"]
    ((name, why),) = told
    assert (name, why) == ("v3", "ModelRollout v3: it is about model another; ner serves clinical-ner")
    with pytest.raises(StorageError, match="about model another"):
        records.read("v3")


def test_deleted_rollout_takes_nothing(records, cluster_api):
    """Neither does one that was made again under its name."""
    stored = records.create(spec("v2"))
    cluster_api.delete(MODEL_ROLLOUTS, "v2")
    with pytest.raises(NotFound):
        records.write_status(stored, RolloutStatus())
    records.create(spec("v2"))
    with pytest.raises(Conflict):
        records.write_status(stored, RolloutStatus())


def test_approval_is_not_lost_to_the_end_that_came_between(records, monkeypatch):
    """What was read before is not written on: the second reading says that it has ended."""
    stored, read = records.create(spec("v2", approval="before-start")), records.read
    ends = iter([lambda: records.write_status(stored, RolloutStatus(phase=Phase.ROLLED_BACK))])

    def late_read(name):
        found = read(name)
        next(ends, lambda: None)()
        return found

    monkeypatch.setattr(records, "read", late_read)
    with pytest.raises(ConfigError, match="has ended"):
        records.approve("v2", approval())
    assert read("v2").requests.approvals == ()
