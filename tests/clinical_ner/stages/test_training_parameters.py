"""Parameters of a training that its late stages read: refused before the first one."""

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.stages.training_parameters import check_training_parameters
from pipelines.parameters import default_parameters

TARGET = "kserve:ner/notes"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"on_bad_record": "x"}, "on_bad_record: 'x' is not one of"),
        ({"test_fraction": 1.0}, "test_fraction"),
        ({"dev_fraction": 0.6, "test_fraction": 0.5}, "leaves nothing to train on"),
        ({"feature_groups": "wrod"}, "feature_groups: 'wrod'"),
        ({"min_f1": 7.0}, "min_f1"),
        ({"min_test_spans": 0}, "min_test_spans"),
        ({"promote": "nevr"}, "promote: 'nevr'"),
        ({"rollout_target": "kserv:a/b"}, "kserv:a/b"),
        ({"rollout_target": TARGET, "rollout_wait_minutes": 99999}, "rollout_wait_minutes: 99999"),
        ({"rollout_wait_minutes": 600}, "of no use without a rollout_target"),
        ({"rollout_plan": "s3://bucket/plan.yaml"}, "of no use without a rollout_target"),
        ({"rollout_target": TARGET, "rollout_plan": "steps: [{percent: 500}]"}, "percent"),
    ],
)
def test_what_a_stage_would_refuse_is_refused(wrong, reason):
    """The message names the parameter."""
    with pytest.raises(ConfigError, match=reason):
        check_training_parameters(default_parameters(**wrong), read_plan=False)


def test_defaults_pass():
    """The pipeline's own, with a rollout and without."""
    check_training_parameters(default_parameters(), read_plan=True)
    check_training_parameters(default_parameters(rollout_target=TARGET), read_plan=True)


def test_plan_elsewhere_is_read_only_where_asked(tmp_path):
    """Who submits may have no right to the store that the stage reads from."""
    parameters = default_parameters(rollout_target=TARGET, rollout_plan=str(tmp_path / "plan.yaml"))
    check_training_parameters(parameters, read_plan=False)
    with pytest.raises(ConfigError, match="neither a plan as YAML nor where one lies"):
        check_training_parameters(parameters, read_plan=True)
