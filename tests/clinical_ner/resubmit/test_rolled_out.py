"""Trainings after a roll back where rollouts move the traffic, and the live pointer with it."""

import pytest

from clinical_ner.registry import Registry
from clinical_ner.resubmit import Request
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import BY, NAME, notes

WORSE = Request(action="roll-back", reasons=("v2 is worse.",))
TARGET = {"parameters": {"rollout_target": "local:service"}}


@pytest.fixture
def registry(live, file_uri):
    """v2 is live after v1."""
    live(file_uri, notes(0, 60))
    live(file_uri, notes(0, 80), c1=0.3)
    return Registry(open_storage(file_uri))


def test_live_pointer_is_left_to_the_rollout(resubmitter, registry, backend, file_uri):
    """The training waits, under its key, and begins when the version before is live again; its rollout has the target too."""
    waiting = resubmitter(file_uri, **TARGET).consider(WORSE)
    assert (waiting.status, registry.states(NAME).live) == ("submitting", "v2")
    assert "v2 is still live; the training begins when a rollout" in waiting.alerts[0]
    assert not backend.executions
    registry.roll_back(NAME, "v2", **BY)
    resubmitter(file_uri, **TARGET).consider(Request(action="none"))
    (parameters,) = backend.parameters.values()
    assert parameters["rollout_target"] == "local:service"


def test_training_that_waits_too_long_is_given_up(resubmitter, registry, backend, time, file_uri):
    """And told, as any that could not begin."""
    resubmitter(file_uri, **TARGET).consider(WORSE)
    time.pass_hours(25)
    outcome = resubmitter(file_uri, cool_down_hours=100, **TARGET).consider(Request(action="none"))
    assert "not begun within max_run_hours: v2 is still live" in outcome.alerts[0]
    assert not backend.executions


def test_proposed_training_is_approved_after_the_way_back(resubmitter, registry, backend, file_uri):
    """The proposal is not outdated, though another version is live by then."""
    outcome = resubmitter(file_uri, mode="propose", **TARGET).consider(WORSE)
    registry.roll_back(NAME, "v2", **BY)
    approved = resubmitter(file_uri).approve(outcome.cause_id[:12], actor="ada", reason="yes")
    assert approved.status == "submitted"
    assert len(backend.executions) == 1


def test_approval_does_not_move_the_live_pointer(resubmitter, registry, backend, file_uri):
    """Whoever approves the training has not ordered the way back by it."""
    outcome = resubmitter(file_uri, mode="propose", **TARGET).consider(WORSE)
    approved = resubmitter(file_uri).approve(outcome.cause_id[:12], actor="ada", reason="yes")
    assert (approved.status, registry.states(NAME).live) == ("submitting", "v2")
    assert not backend.executions
