"""The benchmark's world is one in which rollouts end."""

import pytest

from benchmarks.rollout import ROWS, run_trial
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep

PLAN = RolloutPlan(steps=tuple(RolloutStep(percent=percent, hold_seconds=60) for percent in (10, 50, 100)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_trial_ends_as_its_row_says(row):
    """One trial of each kind, on a seed that is not reported."""
    trial = run_trial(row, 1, PLAN)
    assert trial.status.phase is row.end, trial.status.reason
    assert trial.requests > 0
