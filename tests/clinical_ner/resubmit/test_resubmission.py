"""What comes of a decision: one run, a proposal, or a refusal in words."""

import orjson
import pytest

from clinical_ner.datasets import load_dataset, parse_dataset_uri
from clinical_ner.errors import ConfigError
from clinical_ner.registry import Registry
from clinical_ner.resubmit import Request
from clinical_ner.resubmit.parameters import searched_parameters
from clinical_ner.resubmit.records import State
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import BY, NAME, notes
from tests.clinical_ner.resubmit.recorded import records
from tests.clinical_ner.resubmit.recording_backend import REFUSED


@pytest.mark.parametrize("action", ["none", "watch"])
def test_quiet_decision_submits_nothing(resubmitter, champion, backend, file_uri, action):
    """None and watch leave no record and no run."""
    assert resubmitter(file_uri).consider(Request(action=action)).status == "nothing"
    assert not backend.executions
    assert not records(file_uri)


def test_unknown_action_is_refused(resubmitter, file_uri):
    """A word that no decision has is a mistake of configuration, and the known ones are named."""
    with pytest.raises(ConfigError, match=r"'retarin' is unknown; known are none, watch, retrain"):
        resubmitter(file_uri).consider(Request(action="retarin"))


def test_without_live_version_nothing_is_submitted(resubmitter, file_uri):
    """There is nothing to train anew before the first promotion."""
    outcome = resubmitter(file_uri).consider(Request(action="retrain"))
    assert (outcome.status, outcome.reason) == ("refused", "clinical-ner has no live version to train anew")


def test_retrain_submits_reference_and_corrections(resubmitter, drifted, backend, champion, file_uri):
    """The run gets the new data by digest, the champion's split, and the champion's parameters as first trial."""
    outcome = resubmitter(file_uri, retrain_trials=9, parameters={"min_f1": 0.7}).consider(drifted)
    assert outcome.status == "submitted"
    (parameters,) = backend.parameters.values()
    storage = open_storage(file_uri)
    train = load_dataset(storage, parse_dataset_uri(parameters["corpus_uri"]))
    test = load_dataset(storage, parse_dataset_uri(parameters["test_corpus_uri"]))
    assert len(train) + len(test) == 70
    assert {"note-100", "note-109"} <= {document.id for document in train}
    assert {name: parameters[name] for name in ("seed", "dev_fraction", "min_f1", "n_trials")} == {
        "seed": 7,
        "dev_fraction": 0.2,
        "min_f1": 0.7,
        "n_trials": 9,
    }
    assert orjson.loads(parameters["first_trial"]) == searched_parameters(champion.manifest)
    assert (parameters["search_space"], parameters["approval_required"], parameters["excluded_trials"]) == ("narrow", False, "")
    (record,) = records(file_uri)
    assert record.cause.id == outcome.cause_id
    assert record.evidence == ("window 1",)
    assert [step.state for step in record.steps] == [State.PROPOSED, State.SUBMITTING, State.SUBMITTED]


def test_experiment_searches_wide_and_asks_for_approval(resubmitter, drifted, backend, file_uri):
    """More trials in a wider space, and no model goes live unseen."""
    outcome = resubmitter(file_uri).consider(drifted.model_copy(update={"action": "experiment"}))
    assert "the drift is large: tokens deviates by 7.0 %. Its model will wait for approval" in outcome.alerts[0]
    (parameters,) = backend.parameters.values()
    assert (parameters["search_space"], parameters["n_trials"], parameters["approval_required"]) == ("wide", 40, True)
    assert parameters["first_trial"] == ""


def test_ten_drifted_windows_are_one_run(resubmitter, drifted, backend, time, file_uri):
    """Windows are evidence: the same cause is submitted once, while it runs and after it ended."""
    for number in range(10):
        request = drifted.model_copy(update={"evidence": (f"window {number}",)})
        outcome = resubmitter(file_uri).consider(request)
        time.pass_hours(1)
        if number == 5:
            backend.end("succeeded")
            time.pass_hours(48)
    assert len(backend.executions) == 1
    assert "the same data were trained for the same cause already" in outcome.reason


def test_run_in_flight_refuses_another_cause(resubmitter, drifted, correct, backend, file_uri):
    """While a run goes on, even other data wait; the refusal names the run."""
    resubmitter(file_uri).consider(drifted)
    outcome = resubmitter(file_uri).consider(correct(file_uri, notes(200, 20)))
    assert outcome.status == "refused"
    assert "a run is in flight: retrain" in outcome.reason
    assert len(backend.executions) == 1


def test_cool_down_spaces_runs(resubmitter, drifted, correct, backend, time, file_uri):
    """Other data wait until the cool-down after the last run's end is over."""
    resubmitter(file_uri).consider(drifted)
    time.pass_hours(5)
    backend.end("succeeded")
    other = correct(file_uri, notes(200, 20))
    outcome = resubmitter(file_uri).consider(other)
    assert "cooling down until 2030-01-03 17:00 UTC: the last run ended at 2030-01-02 17:00 UTC" in outcome.reason
    time.pass_hours(24)
    assert resubmitter(file_uri).consider(other).status == "submitted"
    assert len(backend.executions) == 2


def test_failed_training_alerts_and_waits_for_the_cool_down(resubmitter, drifted, champion, backend, time, file_uri):
    """The champion stays live, every call tells of the failure; after the cool-down a second attempt is a run of its own."""
    resubmitter(file_uri).consider(drifted)
    backend.end("failed")
    outcome = resubmitter(file_uri).consider(drifted)
    assert "the last run failed" in outcome.reason
    assert any("failed, attempt 1" in alert and "https://kfp/" in alert for alert in outcome.alerts)
    assert any("failed" in alert for alert in resubmitter(file_uri).consider(Request(action="none")).alerts)
    assert Registry(open_storage(file_uri)).champion(NAME).version == champion.version
    time.pass_hours(25)
    assert resubmitter(file_uri).consider(drifted).status == "submitted"
    assert len(set(backend.executions)) == len(backend.executions) == 2


def test_attempts_of_one_cause_end(resubmitter, drifted, backend, time, file_uri):
    """A cause that fails again and again is left to a person."""
    for _ in range(4):
        outcome = resubmitter(file_uri, max_attempts=2).consider(drifted)
        backend.end("failed")
        time.pass_hours(25)
    outcome = resubmitter(file_uri, max_attempts=2).consider(drifted)
    assert "2 attempts failed (max_attempts = 2)" in outcome.reason
    assert len(backend.executions) == 2


def test_failed_run_that_is_retried_is_in_flight_again(resubmitter, drifted, backend, time, file_uri):
    """Failed is not final at the backend: a run that a person retries there keeps others away."""
    resubmitter(file_uri).consider(drifted)
    backend.end("failed")
    resubmitter(file_uri).consider(drifted)
    backend.end("running")
    time.pass_hours(2)
    outcome = resubmitter(file_uri, cool_down_hours=0).consider(drifted)
    assert "a run is in flight" in outcome.reason
    assert not outcome.alerts


def test_run_that_never_ends_counts_as_failed(resubmitter, drifted, backend, time, file_uri):
    """A run whose image is missing stays running at the backend; our own deadline ends the waiting, and says so."""
    resubmitter(file_uri).consider(drifted)
    time.pass_hours(25)
    outcome = resubmitter(file_uri).consider(drifted)
    assert "not ended within max_run_hours = 24" in outcome.alerts[0]
    assert records(file_uri)[0].state is State.FAILED


def test_run_that_is_gone_counts_as_failed(resubmitter, drifted, backend, file_uri):
    """A run that was deleted at the backend does not block the model for ever."""
    resubmitter(file_uri).consider(drifted)
    backend.lose()
    assert "the backend has the run no longer" in resubmitter(file_uri).consider(drifted).alerts[0]


def test_silent_backend_keeps_the_run_in_flight(resubmitter, drifted, backend, file_uri):
    """What is not known is not taken for an end."""
    resubmitter(file_uri).consider(drifted)
    backend.down = True
    outcome = resubmitter(file_uri).consider(drifted)
    assert "a run is in flight" in outcome.reason
    assert "is not known: no connection" in outcome.alerts[0]


def test_run_that_nobody_can_tell_of_counts_as_failed_until_it_is_seen(resubmitter, drifted, backend, time, file_uri):
    """A backend that stays silent blocks the model for max_run_hours; back again, it tells how the run really ended."""
    resubmitter(file_uri).consider(drifted)
    backend.down = True
    time.pass_hours(25)
    assert "is not known: no connection" in resubmitter(file_uri).consider(drifted).alerts[0]
    assert (records(file_uri)[0].state, records(file_uri)[0].steps[-1].reason[:15]) == (State.FAILED, "not seen to end")
    backend.down = False
    backend.end("succeeded")
    resubmitter(file_uri).consider(Request(action="none"))
    assert records(file_uri)[0].state is State.SUCCEEDED


def test_rejected_model_is_reported(resubmitter, drifted, backend, file_uri):
    """A run that succeeded without a new version was stopped by the gate: a person is told."""
    resubmitter(file_uri).consider(drifted)
    backend.end("succeeded")
    assert "registered no version: read its gate report" in resubmitter(file_uri).consider(drifted).alerts[0]


def test_registered_version_is_noted(resubmitter, drifted, live, model, backend, file_uri):
    """The record names the version that came of it, and nobody is alarmed."""
    resubmitter(file_uri).consider(drifted)
    registry = Registry(open_storage(file_uri))
    registry.register(NAME, model(records(file_uri)[0].cause.dataset_digest), **BY)
    backend.end("succeeded")
    assert resubmitter(file_uri).consider(Request(action="none")).alerts == ()
    assert records(file_uri)[0].produced == "v2"


def test_lost_reply_is_gone_on_with(resubmitter, drifted, backend, file_uri):
    """A time-out at submit leaves the record submitting; the next call, for whatever window, finds the run."""
    backend.lost_replies = 2
    outcome = resubmitter(file_uri).consider(drifted)
    assert (outcome.status, outcome.reason) == ("submitting", "no reply within 60 s")
    assert "is in doubt and will be gone on with" in outcome.alerts[0]
    assert resubmitter(file_uri).consider(drifted).status == "refused"
    assert resubmitter(file_uri).consider(Request(action="none")).alerts == ()
    assert len(backend.executions) == 1
    assert records(file_uri)[0].state is State.SUBMITTED


def test_parameters_that_cannot_work_are_a_failed_attempt(resubmitter, drifted, backend, file_uri):
    """What the backend refuses for good is not asked again before the cool-down."""
    backend.refusal = REFUSED
    outcome = resubmitter(file_uri).consider(drifted)
    assert "cannot be submitted: pipeline has no parameter first_trial" in outcome.reason
    backend.refusal = None
    assert "cooling down" in resubmitter(file_uri).consider(drifted).reason
