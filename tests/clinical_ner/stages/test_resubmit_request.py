"""What a decision hands to resubmission."""

import pytest

from clinical_ner.drift.decision import decide
from clinical_ner.stages.resubmit import request_of
from tests.clinical_ner.drift.test_decision import window


@pytest.mark.parametrize(
    ("deviation", "new_annotated", "action", "drifted"),
    [(7.0, 0, "retrain", True), (3.0, 500, "retrain", False), (7.0, 500, "retrain", True), (20.0, 500, "experiment", True)],
)
def test_request_says_whether_drift_asked_for_the_training(deviation, new_annotated, action, drifted):
    """Annotated data alone ask for a model that need not be better on reviewed notes; drift, alone or beside, does."""
    decision = decide(window(1, tokens=deviation), window(0, tokens=deviation), new_annotated=new_annotated)
    request = request_of(decision)
    assert (request.action, request.drifted, request.judged_twice) == (action, drifted, drifted)
