"""Parameters that a monitoring run sets for trainings."""

from inspect import signature
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.resubmit.further_parameters import OWN, check_further_parameters
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage
from pipelines.definitions import TRAINING
from tests.clinical_ner.resubmit.conftest import NAME, notes

SAMPLES = {"gazetteer_uris": "DRUG=s3://bucket/drugs.txt", "min_f1": 0.7, "promote": "never", "latency_decides": True}


def test_parameters_of_the_training_pipeline_pass():
    """Floors, promotion, term lists, the study's database without its password: what the compiled pipeline has and can use."""
    check_further_parameters({**SAMPLES, "study_storage": "postgresql+psycopg://tuner@host/db"}, TRAINING.compiled)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"min_f2": 0.7}, "has no parameter min_f2"),
        ({"min_f1": "0.7"}, "min_f1 must be a finite number"),
        ({"min_test_spans": 1.5}, "min_test_spans must be a whole number"),
        ({"promote": None}, "promote must be text"),
        ({"promote": "nevr"}, "promote: 'nevr' is neither"),
        ({"corpus_uri": "s3://bucket/other"}, "corpus_uri follow from the cause"),
        ({"kfp_token": "x"}, "has no parameter kfp_token"),
    ],
)
def test_others_are_refused(given, reason):
    """The message names the parameter."""
    with pytest.raises(ConfigError, match=f"training_parameters: .*{reason}"):
        check_further_parameters({**SAMPLES, **given}, TRAINING.compiled)


def test_secrets_are_no_parameters():
    """A password would be stored with every run; it is not in the message either."""
    with pytest.raises(ConfigError, match="study_storage holds a password") as caught:
        check_further_parameters({"study_storage": "postgresql://tuner:hunter2@host/db"}, TRAINING.compiled)
    assert "hunter2" not in str(caught.value)


def test_without_a_compiled_pipeline_only_own_ones_are_refused(tmp_path):
    """From there nothing can be submitted; whoever approves it later has the pipeline, and is told."""
    check_further_parameters({"min_f2": 0.7}, tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="seed"):
        check_further_parameters({"seed": 3}, tmp_path / "missing.yaml")


def test_own_parameters_are_those_that_resubmission_overrules(file_uri, live, correct, resubmitter, backend):
    """Each refused one would have been replaced without a word; each of the others arrives, and is one of the pipeline's."""
    live(file_uri, notes(0, 60))
    own = dict.fromkeys(OWN, "given")
    others = {name: "given" for name in signature(TRAINING.function).parameters if name not in OWN}
    outcome = resubmitter(file_uri, parameters={**own, **others}).consider(correct(file_uri, notes(100, 30)))
    (record,) = RecordStore(open_storage(file_uri), NAME).records()
    assert record.state is State.SUBMITTED, outcome.reason
    overruled = {name for name in own if record.parameters[name] != "given"}
    assert overruled == OWN
    assert {name for name in others if record.parameters[name] == "given"} == set(others) - {"approval_required"}
    assert set(signature(TRAINING.function).parameters) >= OWN


def test_compiled_pipeline_is_where_the_default_says():
    """The monitoring pipeline's default names the file that is in the repository."""
    from pipelines.monitoring import monitoring

    default = signature(monitoring).parameters["training_package"].default
    assert (Path(__file__).parents[3] / default).resolve() == TRAINING.compiled.resolve()
