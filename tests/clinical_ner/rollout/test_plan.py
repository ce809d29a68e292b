"""Plans as people write them."""

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.plan import DEFAULT_PLAN, parse_plan


def test_plan_has_defaults_for_all_that_is_left_out():
    """An empty file is the default plan: 1, 10, 50, 100 %."""
    assert parse_plan(b"", source="plan.yaml") == DEFAULT_PLAN
    assert [step.percent for step in DEFAULT_PLAN.steps] == [1, 10, 50, 100]


def test_plan_is_read_from_yaml_and_from_json():
    """The second is a part of the first."""
    yaml = b"steps: [{percent: 20, min_requests: 9}, {percent: 100}]\nrules: {slower: 3}\n"
    json = b'{"steps": [{"percent": 20, "min_requests": 9}, {"percent": 100}], "rules": {"slower": 3}}'
    assert parse_plan(yaml, source="p") == parse_plan(json, source="p")
    assert parse_plan(yaml, source="p").steps[0].min_requests == 9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [{percent: 0}]", "plan.yaml: steps.0.percent: Input should be greater than or equal to 1 (it is 0)"),
        (
            "steps: [{percent: 50}, {percent: 10}, {percent: 100}]",
            "percents must ascend and the last must be 100; they are 50, 10, 100",
        ),
        ("steps: [{percent: 50}]", "they are 50"),
        ("steps: []", "they are none"),
        ("hold: 3", "plan.yaml: hold: Extra inputs are not permitted"),
        ("ready_seconds: soon", "ready_seconds: Input should be a valid number"),
        ("approval: maybe", "approval: Input should be 'none', 'before-start' or 'before-100' (it is 'maybe')"),
        ("rules: {tolerated_errors: 0.5}", "tolerated_errors = 0.5 must be less than allowed_errors = 0.01"),
        ("steps: [", "plan.yaml:1: neither YAML nor JSON"),
        ("- 1", "plan.yaml: plan: "),
    ],
)
def test_plan_that_is_wrong_is_refused_by_field(text, words):
    """The message names the file, the field, what it holds and the limit."""
    with pytest.raises(ConfigError) as caught:
        parse_plan(text.encode(), source="plan.yaml")
    assert words in str(caught.value)
