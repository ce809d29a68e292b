"""The plan of a rollout: its steps and its limits."""

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.written import Written

Approval = Literal["none", "before-start", "before-100"]
WhenBusy = Literal["wait", "supersede"]


class RolloutStep(Written, extra="forbid"):
    """The canary gets ``percent`` of the traffic until it has had it for ``hold_seconds`` and ``min_requests``."""

    percent: int = Field(ge=1, le=100)
    hold_seconds: float = Field(default=600.0, ge=0)
    """Time under observation with the proven weight; a controller's absence does not count."""
    min_requests: int = Field(default=500, ge=0)
    """Requests that the canary itself has answered in this step."""


DEFAULT_STEPS = tuple(RolloutStep(percent=percent) for percent in (1, 10, 50, 100))


class RolloutPlan(Written, extra="forbid"):
    """Steps in ascending order, the last at 100 %."""

    steps: tuple[RolloutStep, ...] = DEFAULT_STEPS
    ready_seconds: float = Field(default=600.0, gt=0)
    """The canary must be ready so long after it was asked for; the same limit holds for a weight to be proven."""
    inconclusive_seconds: float = Field(default=6 * 3600.0, ge=0)
    """How long a step goes on without a verdict, beyond its ``hold_seconds``, before it is rolled back."""
    approval: Approval = "none"
    """What waits for a person: nothing, the canary's start, or the step to 100 %."""
    when_busy: WhenBusy = "wait"
    """What this rollout does to one of the same service that is under way: wait for its end, or end it and take its place."""
    rules: AnalysisRules = AnalysisRules()

    @model_validator(mode="after")
    def _steps_ascend_to_100(self) -> "RolloutPlan":
        percents = [step.percent for step in self.steps]
        if not percents or percents[-1] != 100 or percents != sorted(set(percents)):
            shown = ", ".join(map(str, percents)) or "none"
            raise ValueError(f"percents must ascend and the last must be 100; they are {shown}")
        return self


DEFAULT_PLAN = RolloutPlan()
RESTORE_PLAN = RolloutPlan(steps=(RolloutStep(percent=100, hold_seconds=0, min_requests=0),), when_busy="supersede")
"""For the way back to the version before: nothing is judged, since it has served everybody already."""


def parse_plan(data: bytes, *, source: str) -> RolloutPlan:
    """A plan from YAML or JSON; what it leaves out has its default.

    Raises:
        ConfigError: it is something else; the message names ``source``, each field, what it holds and its limit.
    """
    import yaml  # for this alone, so that no other command needs it

    try:
        document: Any = yaml.safe_load(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise ConfigError(f"{where}: neither YAML nor JSON") from error
    try:
        return RolloutPlan.model_validate({} if document is None else document)
    except ValidationError as error:
        raise ConfigError("; ".join(f"{source}: {_describe(problem)}" for problem in error.errors())) from None


def _describe(problem: Any) -> str:
    field = ".".join(map(str, problem["loc"])) or "plan"
    value = problem["input"]
    given = f" (it is {value!r})" if isinstance(value, int | float | str) else ""
    return f"{field}: {problem['msg'].removeprefix('Value error, ')}{given}"
