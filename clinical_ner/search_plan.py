"""What a search for parameters tries first, what it never tries, and how far it goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import optuna
from pydantic import TypeAdapter, ValidationError

from clinical_ner.errors import ConfigError
from clinical_ner.training import CrfParameters

SEARCHED = ("c1", "c2", "min_freq", "entity_bias")
SAME_RATIO = 1.1
"""Penalties within this factor of each other make much the same model."""
SAME_BIAS = 0.1
"""And so do biases closer than this."""

_SMALLEST = 1e-6  # a penalty of zero has no logarithm

SpaceName = Literal["narrow", "wide"]
Point = Mapping[str, float]
_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Both penalties on a logarithmic scale, the cut for rare features, and the bias towards entities."""

    low: float
    high: float
    max_min_freq: int
    max_entity_bias: float

    def clip(self, point: Point) -> dict[str, float]:
        """The point of the space that is nearest to ``point``."""
        penalties = {name: min(max(point[name], self.low), self.high) for name in ("c1", "c2")}
        return {
            **penalties,
            "min_freq": min(int(point["min_freq"]), self.max_min_freq),
            "entity_bias": min(point["entity_bias"], self.max_entity_bias),
        }

    def suggest(self, trial: optuna.Trial, *, max_iterations: int) -> CrfParameters:
        return CrfParameters(
            c1=trial.suggest_float("c1", self.low, self.high, log=True),
            c2=trial.suggest_float("c2", self.low, self.high, log=True),
            min_freq=trial.suggest_int("min_freq", 0, self.max_min_freq),
            entity_bias=trial.suggest_float("entity_bias", 0.0, self.max_entity_bias),
            max_iterations=max_iterations,
        )


SPACES: Mapping[SpaceName, SearchSpace] = {
    "narrow": SearchSpace(1e-3, 2.0, 3, 2.0),
    "wide": SearchSpace(1e-5, 10.0, 8, 4.0),
}


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """The default plan tries the defaults of :class:`CrfParameters` first, in the narrow space, and excludes nothing."""

    first: tuple[tuple[str, float], ...]
    excluded: tuple[tuple[tuple[str, float], ...], ...]
    space: SpaceName

    @classmethod
    def of(cls, *, first: Point | None = None, excluded: Sequence[Point] = (), space: SpaceName = "narrow") -> "SearchPlan":
        """A plan; without ``first`` the defaults come first, unless they are excluded.

        Raises:
            ConfigError: a point lacks a searched parameter, has another, or holds a negative or non-finite number.
        """
        points = tuple(_point("excluded_trials", point) for point in excluded if point)
        chosen = dict(_point("first_trial", first or _defaults()))
        if SPACES[space].clip(chosen) != chosen:  # found by a wide search, say
            space = "wide"
        plan = cls((), points, space)
        clipped = _point("first_trial", SPACES[space].clip(chosen))
        return plan if plan.is_excluded(chosen) else cls(clipped, points, space)

    @classmethod
    def parse(cls, *, first_trial: str = "", excluded_trials: str = "", search_space: str = "narrow") -> "SearchPlan":
        """The plan of a run's parameters: JSON of one point and of a list of points, and the space's name.

        Raises:
            ConfigError: one of them is something else.
        """
        if search_space not in SPACES:
            raise ConfigError(f"search_space: {search_space!r} is neither {' nor '.join(map(repr, SPACES))}")
        return cls.of(
            first=_parse("first_trial", first_trial, dict[str, float]),
            excluded=_parse("excluded_trials", excluded_trials, list[dict[str, float]]) or (),
            space="wide" if search_space == "wide" else "narrow",
        )

    @property
    def key(self) -> str:
        """Equal for equal plans: part of a study's name, so that another plan is another study."""
        return repr((self.first, self.excluded, self.space))

    def is_excluded(self, point: Point) -> bool:
        """Whether ``point`` is, within :data:`SAME_RATIO`, one of the excluded ones."""
        return bool(point) and any(_is_same(point, dict(other)) for other in self.excluded)

    def suggest(self, trial: optuna.Trial, *, max_iterations: int) -> CrfParameters:
        """The trial's parameters.

        Raises:
            optuna.TrialPruned: they are excluded; the trial counts for nothing.
        """
        parameters = SPACES[self.space].suggest(trial, max_iterations=max_iterations)
        if self.is_excluded(parameters.model_dump(include=set(SEARCHED))):
            raise optuna.TrialPruned
        return parameters


def _defaults() -> dict[str, float]:
    return CrfParameters().model_dump(include=set(SEARCHED))


def _parse(name: str, text: str, kind: type[_Parsed]) -> _Parsed | None:
    if not text:
        return None
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise ConfigError(f"{name}: {error.errors()[0]['msg']}; JSON of {', '.join(SEARCHED)} is expected") from None


def _point(name: str, point: Point) -> tuple[tuple[str, float], ...]:
    if set(point) != set(SEARCHED):
        raise ConfigError(f"{name}: exactly {', '.join(SEARCHED)} are expected")
    if not all(math.isfinite(value) and value >= 0 for value in point.values()):
        raise ConfigError(f"{name}: {', '.join(SEARCHED)} must be numbers of 0 or more")
    return tuple((parameter, int(point[parameter]) if parameter == "min_freq" else point[parameter]) for parameter in SEARCHED)


def _is_same(first: Point, second: Point) -> bool:
    ratios = [math.log(max(first[name], _SMALLEST) / max(second[name], _SMALLEST)) for name in ("c1", "c2")]
    close = all(abs(ratio) <= math.log(SAME_RATIO) for ratio in ratios)
    return close and first["min_freq"] == second["min_freq"] and abs(first["entity_bias"] - second["entity_bias"]) < SAME_BIAS
