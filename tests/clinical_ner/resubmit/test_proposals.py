"""Trainings that a person approves, and those after a roll back."""

import orjson
import pytest

from clinical_ner.errors import ConfigError, NotFound
from clinical_ner.registry import Registry
from clinical_ner.resubmit import Request
from clinical_ner.resubmit.parameters import searched_parameters
from clinical_ner.resubmit.records import State
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import BY, NAME, notes
from tests.clinical_ner.resubmit.recorded import records


def test_proposal_waits_for_a_person(resubmitter, drifted, backend, file_uri):
    """In mode propose nothing runs until somebody approves, however often it is asked; then it runs once."""
    one = resubmitter(file_uri, mode="propose")
    outcomes = [one.consider(drifted) for _ in range(3)]
    assert {outcome.status for outcome in outcomes} == {"proposed"}
    assert f"clinical-ner resubmit approve {outcomes[0].cause_id[:12]}" in outcomes[0].alerts[0]
    assert not backend.executions
    assert one.approve(outcomes[0].cause_id[:8], actor="ada", reason="looks right").status == "submitted"
    assert one.approve(outcomes[0].cause_id[:8], actor="ada", reason="again").status == "submitted"
    assert len(backend.executions) == 1
    step = records(file_uri)[0].steps[1]
    assert (step.state, step.actor, step.reason) == (State.SUBMITTING, "ada", "looks right")


def test_approval_of_an_outdated_proposal_is_refused(resubmitter, drifted, live, backend, file_uri):
    """A proposal made against another champion is not submitted any more."""
    one = resubmitter(file_uri, mode="propose")
    proposed = one.consider(drifted)
    live(file_uri, notes(300, 60))
    outcome = one.approve(proposed.cause_id, actor="ada", reason="late")
    assert outcome.reason == "it was made against v1, but v2 is live now; wait for the next decision"
    assert not backend.executions


def test_approval_needs_a_known_id_and_a_reason(resubmitter, drifted, file_uri):
    """Neither an unknown id nor a blank reason submits anything."""
    one = resubmitter(file_uri, mode="propose")
    proposed = one.consider(drifted)
    with pytest.raises(NotFound, match="0 resubmissions"):
        one.approve("zz", actor="ada", reason="x")
    with pytest.raises(ConfigError, match="must not be blank"):
        one.approve(proposed.cause_id, actor="ada", reason=" ")


def test_roll_back_withdraws_and_trains_with_other_parameters(resubmitter, live, correct, backend, file_uri):
    """The previous version is live again; the rejected parameters are excluded and the sampler draws from the cause."""
    live(file_uri, notes(0, 60), c1=0.5)
    rejected = live(file_uri, notes(0, 80), c1=0.3)
    outcome = resubmitter(file_uri).consider(Request(action="roll-back", reasons=("v2 is worse.",)))
    assert outcome.status == "submitted"
    assert "v2 was rolled back" in outcome.alerts[0]
    assert Registry(open_storage(file_uri)).champion(NAME).version == "v1"
    (parameters,) = backend.parameters.values()
    assert orjson.loads(parameters["excluded_trials"]) == [searched_parameters(rejected.manifest)]
    assert parameters["first_trial"] == ""
    assert parameters["tuning_seed"] == int(outcome.cause_id[:7], 16) != parameters["seed"]


def test_training_after_a_roll_back_is_tried_again(resubmitter, live, backend, time, file_uri):
    """The version that was withdrawn drifts no more, so nothing asks for its training: a failed one is repeated unasked."""
    live(file_uri, notes(0, 60))
    live(file_uri, notes(0, 80), c1=0.3)
    resubmitter(file_uri).consider(Request(action="roll-back"))
    backend.end("failed")
    assert resubmitter(file_uri).consider(Request(action="none")).status == "nothing"
    time.pass_hours(25)
    assert resubmitter(file_uri).consider(Request(action="none")).status == "submitted"
    assert len(backend.executions) == 2


def test_roll_back_without_a_previous_version_is_refused(resubmitter, champion, backend, file_uri):
    """There is nothing to go back to: a person is told."""
    outcome = resubmitter(file_uri).consider(Request(action="roll-back"))
    assert "v1 cannot be rolled back" in outcome.alerts[0]
    assert not backend.executions


def test_retrain_after_a_roll_back_excludes_the_rejected(resubmitter, live, correct, backend, file_uri):
    """What was rolled back stays excluded in later trainings, and is not their first trial."""
    live(file_uri, notes(0, 60), c1=0.3)
    live(file_uri, notes(0, 80), c1=0.3)
    Registry(open_storage(file_uri)).roll_back(NAME, "v2", **BY)
    resubmitter(file_uri).consider(correct(file_uri, notes(100, 10)))
    (parameters,) = backend.parameters.values()
    assert orjson.loads(parameters["excluded_trials"])[0]["c1"] == 0.3
    assert parameters["first_trial"] == ""
