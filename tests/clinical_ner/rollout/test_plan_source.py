"""A plan as one parameter of a pipeline."""

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.plan import DEFAULT_PLAN
from clinical_ner.rollout.plan_source import load_plan
from clinical_ner.storage import open_storage

TEXT = "approval: before-100\nsteps:\n- {percent: 20}\n- {percent: 100}\n"


@pytest.mark.parametrize("text", ["", " \n"])
def test_blank_is_the_default_plan(text):
    """What a run form sends that nobody filled in."""
    assert load_plan(text) == DEFAULT_PLAN


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "{approval: before-100, steps: [{percent: 20}, {percent: 100}]}",
        "approval: before-100",
        '{"approval":"before-100"}',
    ],
)
def test_yaml_is_the_plan_itself(text):
    """On one line or several, or as JSON; what it leaves out has its default."""
    plan = load_plan(text)
    assert plan.approval == "before-100"
    assert [step.percent for step in plan.steps] == ([20, 100] if "20" in text else [1, 10, 50, 100])
    assert plan.rules == DEFAULT_PLAN.rules


def test_plan_is_read_from_where_it_lies(tmp_path):
    """A path or a URI."""
    (tmp_path / "careful-plan.yaml").write_text(TEXT)
    path = tmp_path / "careful-plan.yaml"
    assert load_plan(str(path)) == load_plan(path.as_uri()) == load_plan(TEXT)


def test_plan_is_read_from_a_bucket(s3_uri):
    """Beside the registry."""
    open_storage(s3_uri).write("plans/careful.yaml", TEXT.encode())
    assert load_plan(f"{s3_uri}/plans/careful.yaml") == load_plan(TEXT)


def test_wrong_plan_names_where_it_came_from(tmp_path):
    """The parameter, or the file; nothing there is told too."""
    with pytest.raises(ConfigError, match="rollout_plan: approval"):
        load_plan("approval: never")
    path = tmp_path / "plan.yaml"
    path.write_text("ready_seconds: 0")
    with pytest.raises(ConfigError, match=r"plan\.yaml: ready_seconds"):
        load_plan(str(path))
    with pytest.raises(ConfigError, match=r"rollout_plan: '.*missing\.yaml' is neither"):
        load_plan(str(tmp_path / "missing.yaml"))
