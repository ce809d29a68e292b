"""Rollouts and their custom resources."""

from datetime import UTC, datetime

import pytest

from clinical_ner.errors import StorageError
from clinical_ner.rollout.analysis.expectation import Expectation, Ratio
from clinical_ner.rollout.custom_resources.codec import from_object, service_of, to_object
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Abort, Approval, Phase, Requests, RolloutStatus
from tests.clinical_ner.rollout.stage import START, Stage

EXPECTATION = Expectation(champion="v1", entities={"DISEASE_OR_SYMPTOM": Ratio(low=0.9, high=1.5)})


def whole_rollout():
    """Every part that a rollout can have."""
    stage = Stage().set_out("before-100", expectation=EXPECTATION).go_to(Phase.WAITING_APPROVAL)
    approval = Approval(gate="promotion", actor="ada", time=START, reason="read it")
    order = Abort(actor="bob", time=START, reason="stop", withdraw=True)
    return Stored(stage.spec, stage.status, Requests(approvals=(approval,), abort=order), "7")


def keys(part):
    """The names of all fields in nested JSON."""
    if isinstance(part, dict):
        return set(part).union(*map(keys, part.values()))
    return set().union(*map(keys, part)) if isinstance(part, list) else set()


def values(part):
    """Everything else in it."""
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [part, *(value for each in parts for value in values(each))]


def test_object_reads_back_as_the_rollout_it_was():
    """With evidence, expectation, plan and requests; nothing is lost or rounded."""
    stored = whole_rollout()
    body = to_object(stored, "ner")
    body["metadata"]["resourceVersion"] = "7"
    assert from_object(body) == stored
    assert service_of(body) == "ner"


def test_object_is_spelled_as_kubernetes_does():
    """Fields in camel case; labels are data and stay as they are; what is unknown is left out, since null would be pruned."""
    body = to_object(whole_rollout(), "ner")
    assert {name for name in keys(body) if "_" in name} == {"DISEASE_OR_SYMPTOM"}
    assert body["spec"]["plan"]["steps"][0]["holdSeconds"] == 45.0
    assert body["status"]["steps"][0]["stableRequests"] > 0
    assert None not in values(body)
    assert "name" not in body["spec"]


def test_new_object_has_no_status_yet():
    """It was just made: at the time that the API server says, when it does not say so itself."""
    body = to_object(whole_rollout(), "ner")
    del body["status"], body["spec"]["approvals"], body["spec"]["abort"], body["spec"]["created"]
    body["metadata"]["creationTimestamp"] = "2026-04-05T06:07:08Z"
    found = from_object(body)
    assert (found.status, found.requests) == (RolloutStatus(), Requests())
    assert found.spec.created == datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)


def test_foreign_object_is_named_with_its_fields():
    """Neither what it holds nor a stack of the parser's is told."""
    body = to_object(whole_rollout(), "ner")
    body["spec"]["plan"]["steps"] = []
    body["status"]["phase"] = "dancing"
    with pytest.raises(StorageError, match=r"ModelRollout v2: .*: plan$"):
        from_object(body)
    with pytest.raises(StorageError, match="phase"):
        from_object({**to_object(whole_rollout(), "ner"), "status": body["status"]})
    with pytest.raises(StorageError, match=r"actor, .*digest"):
        from_object({"metadata": {"name": "v2"}, "spec": None})
