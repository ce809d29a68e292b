"""Conditions of a status."""

import re
from datetime import timedelta

import pytest

from clinical_ner.rollout.custom_resources.conditions import MAX_MESSAGE, conditions_of, say
from clinical_ner.rollout.status import Phase, RolloutStatus
from tests.clinical_ner.rollout.stage import START, Stage


def truths(status):
    return {said.type: said.status for said in say(status)}


@pytest.mark.parametrize("phase", Phase)
def test_end_decides_what_waiting_tools_see(phase):
    """Success is ready, another end is stalled, and everything before is reconciling; never two of them."""
    ended = {Phase.SUCCEEDED: "Ready", Phase.ROLLED_BACK: "Stalled", Phase.FAILED: "Stalled"}
    found = truths(RolloutStatus(phase=phase))
    assert [name for name in ("Ready", "Reconciling", "Stalled") if found[name] == "True"] == [ended.get(phase, "Reconciling")]
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", said.reason) for said in say(RolloutStatus(phase=phase)))


def test_analysis_is_the_latest():
    """Unknown before the first look and while inconclusive, of the step under way or else of the last one."""
    stage = Stage().set_out("before-100").go_to(Phase.HOLDING, 5)
    assert truths(stage.status)["Analysed"] == "Unknown"
    stage.go_to(Phase.WAITING_APPROVAL)
    assert truths(stage.status)["Analysed"] == "True"


def test_problems_are_told():
    """All of them, as long as the API server takes them."""
    (said,) = [each for each in say(RolloutStatus(problems=("no scrape", "no registry"))) if each.type == "Observed"]
    assert (said.status, said.message) == ("False", "no scrape; no registry")
    status = RolloutStatus(problems=("x" * 40_000,))
    assert max(len(each["message"]) for each in conditions_of(status, [], generation=1, now=START)) == MAX_MESSAGE


def test_time_is_of_the_last_change_of_truth():
    """Not of a new reason; what is not a condition of a rollout's is left out."""
    first = conditions_of(RolloutStatus(), [{"type": "Foreign", "status": "True"}], generation=1, now=START)
    later = conditions_of(RolloutStatus(phase=Phase.SUCCEEDED), first, generation=2, now=START + timedelta(hours=1))
    times = {each["type"]: each["lastTransitionTime"] for each in later}
    assert times == {
        "Ready": "2026-03-01T01:00:00Z",
        "Reconciling": "2026-03-01T01:00:00Z",
        "Stalled": "2026-03-01T00:00:00Z",
        "Analysed": "2026-03-01T00:00:00Z",
        "Observed": "2026-03-01T00:00:00Z",
    }
