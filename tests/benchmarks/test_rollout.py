"""The benchmark's world is one in which rollouts end."""

import pytest

from benchmarks.rollout import ROWS, ends_as, report_row, run_trial
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.status import Phase

PLAN = RolloutPlan(steps=tuple(RolloutStep(percent=percent, hold_seconds=60) for percent in (10, 50, 100)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_trial_ends_as_its_row_says(row):
    """One trial of each kind, on a seed that is not reported."""
    trial = run_trial(row, 1, PLAN)
    assert ends_as(row, trial.status), trial.status.reason
    assert bool(trial.failed) is trial.status.blamed
    assert trial.requests > 0


def test_canary_that_nobody_finds_worse_is_not_counted_as_found():
    """Withdrawn when time was over, by rules under which nothing is worse."""
    slower = next(row for row in ROWS if row.name == "3x slower")
    rules = AnalysisRules(
        tolerated_slow_median=0.97, allowed_slow_median=0.98, tolerated_slow_tail=0.97, allowed_slow_tail=0.98
    )
    trial = run_trial(slower, 1, PLAN.model_copy(update={"inconclusive_seconds": 60, "rules": rules}))
    assert trial.status.phase is Phase.ROLLED_BACK
    assert not ends_as(slower, trial.status)
    assert not report_row(slower, [trial])
