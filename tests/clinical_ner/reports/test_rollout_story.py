"""A rollout as its callers saw it."""

from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner.reports.rollout_story import HEIGHT, LABEL_WIDTH, SLICES, WIDTH, Call, tell_rollout
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import (
    Analysis,
    Check,
    Event,
    Hold,
    Phase,
    Requests,
    RolloutSpec,
    RolloutStatus,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = RolloutPlan(steps=(RolloutStep(percent=10), RolloutStep(percent=100)))


def event(seconds, phase, step=0):
    return Event(time=START + timedelta(seconds=seconds), phase=phase, step=step, reason="so it was")


def make_rollout(phase, events=(), **fields):
    spec = RolloutSpec(
        name="v2", model="m", version="v2", digest="d", uri="u", plan=PLAN, created=START, actor="ada", reason="better"
    )
    status = RolloutStatus(phase=phase, stable_version="v1", reason="v2 serves", events=tuple(events), **fields)
    return Stored(spec, status, Requests(), "")


def calls(*versions, over=10.0):
    """Calls at even distances; "" is a failed one."""
    return [Call(START.timestamp() + over * number / (len(versions) - 1), version) for number, version in enumerate(versions)]


def test_bars_hold_every_call_once():
    """Each slice shows the share of the new version among its calls; all calls are in the bars and in the totals."""
    story = tell_rollout(make_rollout(Phase.SUCCEEDED), calls(*["v1"] * 500, *["v1", "v2"] * 250))
    assert (story.calls, story.answered, story.failed) == (1000, 250, 0)
    assert sum(bar.calls for bar in story.bars) == 1000
    assert story.bars[0].height == 0
    assert story.bars[-1].height == pytest.approx(HEIGHT / 2)
    assert story.bars[-1].x + story.bars[-1].width == pytest.approx(WIDTH)


def test_failed_calls_are_shown_where_they_were():
    """A failed call is nobody's."""
    story = tell_rollout(make_rollout(Phase.FAILED), calls("v1", "", "v2", ""))
    assert (story.failed, story.answered) == (2, 1)
    assert [bar.failed for bar in story.bars] == [0, 1, 0, 1]
    assert (story.outcome, story.tone) == ("failed", "problem")


def test_moment_without_calls_has_no_bar():
    """Nobody knows what share of nothing is."""
    assert len(tell_rollout(make_rollout(Phase.SUCCEEDED), calls("v1", "v2")).bars) == 2 < SLICES


def test_marks_are_the_steps_and_the_end():
    """Where each share was proven, and where it was promoted or taken back; labels that would meet are on two rows."""
    events = [event(1, Phase.STARTING), event(2, Phase.SHIFTING), event(3, Phase.HOLDING), event(7, Phase.HOLDING, step=1)]
    events += [event(7.3, Phase.PROMOTING), event(7.5, Phase.SUCCEEDED), event(60, Phase.HOLDING)]
    marks = tell_rollout(make_rollout(Phase.SUCCEEDED, events), calls("v1", "v2")).marks
    assert [(mark.text, mark.row) for mark in marks] == [("loaded", 0), ("10 %", 0), ("100 %", 0), ("promoted", 1)]
    assert marks[1].x == pytest.approx(WIDTH * 0.3)
    assert marks[3].x - marks[2].x < LABEL_WIDTH


def test_checks_that_ended_it_are_told():
    """Of a rolled back version the failing ones, and no other."""
    checks = [
        Check(name=name, verdict=verdict, value="1", threshold="2", reason="3")
        for name, verdict in (("errors", "pass"), ("mean score", "fail"))
    ]
    hold = Hold(analysis=Analysis(verdict="fail", checks=tuple(checks)))
    story = tell_rollout(make_rollout(Phase.ROLLED_BACK, hold=hold), calls("v1", "v2"))
    assert [check.name for check in story.failing] == ["mean score"]
