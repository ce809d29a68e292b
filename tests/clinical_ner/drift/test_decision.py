import numpy as np
import pytest
from pydantic import ValidationError

from clinical_ner.drift.decision import Decision, ReviewedF1, compare_reviewed, decide
from clinical_ner.drift.deviation import ColumnDeviation
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import DataError
from clinical_ner.evaluation.counts import GOLD, PREDICTED, STRICT
from tests.clinical_ner.drift.conftest import HOUR, MODEL, START


def column(name, deviation, *, beyond_noise=True):
    values = {"reference_values": 1_000, "window_values": 500, "reference_mean": 80.0, "window_mean": 90.0}
    return ColumnDeviation(column=name, deviation=deviation, beyond_noise=beyond_noise, **values)


def window(number=0, unjudged="", digest=MODEL.digest, **deviations):
    """The window of that hour; deviations by column, all beyond noise."""
    columns = sorted((column(name, value) for name, value in deviations.items()), key=lambda item: -item.deviation)
    return WindowDrift(
        model_name=MODEL.name,
        model_version=MODEL.version,
        model_digest=digest,
        start=START + number * HOUR,
        end=START + (number + 1) * HOUR,
        notes=500,
        refused=0,
        reference_notes=1_000,
        deviation=max(deviations.values(), default=0.0),
        columns=tuple(columns),
        unjudged=unjudged,
    )


@pytest.mark.parametrize(
    ("deviation", "action"),
    [
        (1.9, "none"),
        (2.0, "watch"),
        (4.9, "watch"),
        (5.0, "retrain"),
        (10.0, "retrain"),
        (10.1, "experiment"),
        (100, "experiment"),
    ],
)
def test_decision_follows_the_bands(deviation, action):
    """Under 2 % none, 2-5 watch, 5-10 retrain, over 10 experiment, in two consecutive windows."""
    decision = decide(window(1, tokens=deviation), window(0, tokens=deviation))
    assert (decision.action, decision.deviation, decision.columns) == (action, deviation, ("tokens",))
    assert "tokens" in decision.reasons[0]


def test_decision_of_one_window_is_to_watch_at_most():
    """However large a deviation, the first window with it is watched."""
    decision = decide(window(tokens=60.0))
    assert (decision.action, decision.deviation) == ("watch", 0)
    assert "It takes two windows: there is none before this one." in decision.reasons[0]


@pytest.mark.parametrize(
    ("previous", "reason"),
    [
        (window(0, tokens=60.0).model_copy(update={"end": START + 1.5 * HOUR}), "overlaps"),
        (window(-40, tokens=60.0), "more than 24 hours earlier"),
        (window(0, digest="sha256:other", tokens=60.0), "another model"),
        (window(0, unjudged="3 notes"), "could not be judged"),
        (window(0, sentences=60.0), "no column was beyond noise in the one before and in this one"),
    ],
)
def test_decision_needs_consecutive_disjoint_windows_of_one_model(previous, reason):
    """A window that overlaps, lies too far back, or shows something else does not count as the second one."""
    decision = decide(window(1, tokens=60.0), previous)
    assert decision.action == "watch"
    assert reason in decision.reasons[0]


def test_decision_takes_what_lasted():
    """The smaller reading of a column in both windows counts, and the column that lasted most."""
    decision = decide(window(1, tokens=30.0, oov_rate=8.0), window(0, tokens=3.0, oov_rate=9.0))
    assert (decision.action, decision.deviation, decision.columns) == ("retrain", 8.0, ("oov_rate", "tokens"))


def test_decision_ignores_what_is_within_noise():
    """A column within noise does not count, whatever it reads."""
    windows = [window(number).model_copy(update={"columns": (column("tokens", 30, beyond_noise=False),)}) for number in (0, 1)]
    decision = decide(windows[1], windows[0])
    assert (decision.action, decision.deviation) == ("none", 0)


def test_decision_of_an_unjudged_window_is_none_with_its_reason():
    """Without a reference, or with too few notes, nothing is done, and the reason is the window's."""
    decision = decide(window(1, unjudged="clinical-ner v3 has no reference profile."), window(0, tokens=60.0))
    assert (decision.action, decision.reasons) == ("none", ("clinical-ner v3 has no reference profile.",))


def test_decision_retrains_on_enough_newly_annotated_data():
    """New annotated documents ask for a training by themselves, from the threshold on."""
    assert decide(window(), new_annotated=199).action == "none"
    assert decide(window(), new_annotated=200).action == "retrain"
    assert "199 newly annotated documents, below min_new_annotated = 200." in decide(window(), new_annotated=199).reasons


def test_decision_keeps_the_most_severe_request_and_every_reason():
    """Drift that asks for an experiment is not lowered by new data that asks for a retrain."""
    decision = decide(window(1, tokens=60.0), window(0, tokens=60.0), new_annotated=500)
    assert decision.action == "experiment"
    assert [reason.rsplit(": ", 1)[1] for reason in decision.reasons] == ["experiment.", "retrain."]


@pytest.mark.parametrize(
    ("reviewed", "action"),
    [
        (ReviewedF1(notes=500, low=-0.1, high=-0.01), "roll-back"),
        (ReviewedF1(notes=500, low=-0.1, high=0.01), "none"),
        (ReviewedF1(notes=99, low=-0.9, high=-0.8), "none"),
    ],
)
def test_decision_rolls_back_when_reviewed_f1_fell_for_sure(reviewed, action):
    """The interval's upper end must lie below 0, on a sample of at least the stated size."""
    decision = decide(window(), reviewed=reviewed)
    assert decision.action == action
    assert any(f"{reviewed.notes} reviewed notes" in reason for reason in decision.reasons)


def test_decision_survives_json():
    """The decision's JSON holds every number it rests on, and reads back equal."""
    decision = decide(window(1, tokens=60.0), window(0, tokens=60.0), reviewed=ReviewedF1(notes=500, low=-0.1, high=0.01))
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def counts(correct):
    """100 notes with 4 gold and 4 predicted spans, of which ``correct`` are right."""
    table = np.zeros((100, 1, max(GOLD, PREDICTED, STRICT) + 1), dtype=np.int64)
    table[:, :, GOLD] = table[:, :, PREDICTED] = 4
    table[:, :, STRICT] = correct
    return table


def test_compare_reviewed_is_the_interval_of_the_difference():
    """The live version, right in half of what the previous one got right, is below it with certainty."""
    assert compare_reviewed(counts(2), counts(4)) == ReviewedF1(notes=100, low=-0.5, high=-0.5)


def test_compare_reviewed_needs_the_same_notes():
    """Counts of different numbers of notes are not of the same notes."""
    with pytest.raises(DataError, match="100 counts of the live version, 99 of the previous one"):
        compare_reviewed(counts(4), counts(4)[:99])


def test_rules_refuse_bands_that_do_not_ascend():
    """A retrain band below the watch band is a mistake, not a rule."""
    with pytest.raises(ValidationError, match="must ascend"):
        DriftRules(watch_percent=6, retrain_percent=5)
