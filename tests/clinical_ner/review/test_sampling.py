"""Which notes are drawn."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import ConfigError
from clinical_ner.review.sampling import SamplingPlan, Stratum

RECORD_IDS = [UUID(int=number * 2654435761 % 2**128).hex for number in range(20_000)]
LOW, HIGH = [0.9, 0.2], [0.9, 0.8]


def draws(plan, scores):
    return [plan.draw(record_id, scores) for record_id in RECORD_IDS]


def test_uniform_stratum_holds_its_share_whatever_the_scores():
    """Notes are drawn into the uniform stratum with its probability, the same ones whether certain or not."""
    plan = SamplingPlan(0.1, 0.5)
    by_scores = [
        {number for number, draw in enumerate(draws(plan, scores)) if draw and draw.stratum is Stratum.UNIFORM}
        for scores in (LOW, HIGH, [])
    ]
    assert by_scores[0] == by_scores[1] == by_scores[2]
    assert 0.09 < len(by_scores[0]) / len(RECORD_IDS) < 0.11


def test_low_confidence_stratum_is_drawn_from_the_rest():
    """Of uncertain notes not in the uniform stratum the set share is drawn; the probability is their product."""
    drawn = [draw for draw in draws(SamplingPlan(0.2, 0.5), LOW) if draw and draw.stratum is Stratum.LOW_CONFIDENCE]
    assert 0.38 < len(drawn) / len(RECORD_IDS) < 0.42
    assert {draw.probability for draw in drawn} == {0.8 * 0.5}


@pytest.mark.parametrize("scores", [HIGH, [0.5], []])
def test_certain_notes_are_not_of_low_confidence(scores):
    """Scores at or above the threshold, or no entities at all, never make a low-confidence sample."""
    assert not any(draws(SamplingPlan(0.0, 1.0), scores))


def test_key_decides_which_notes_are_drawn():
    """Another key draws other notes, so that nobody without it can foresee them; the same key draws the same again."""
    first, again, other = (
        [bool(each) for each in draws(SamplingPlan(0.5, key=key), HIGH)] for key in (b"one key", b"one key", b"another key")
    )
    assert first == again
    assert 0.4 < sum(a == b for a, b in zip(first, other, strict=True)) / len(first) < 0.6


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_draws_have_a_probability(record_id, uniform, low):
    """Whatever is drawn has a probability above 0 and up to 1; with both off nothing is drawn."""
    draw = SamplingPlan(uniform, low).draw(record_id, LOW)
    assert draw is None or 0 < draw.probability <= 1
    assert SamplingPlan(0.0, 0.0).draw(record_id, LOW) is None


@pytest.mark.parametrize("name", ["uniform_probability", "low_confidence_probability", "low_confidence_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_plan_refuses_what_is_no_probability(name, value):
    """A probability or threshold outside 0 to 1 is named."""
    with pytest.raises(ConfigError, match=name):
        SamplingPlan(**{"uniform_probability": 0.1, name: value})
