"""Rollouts of every shape, for what must hold of all of them."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from enum import StrEnum
from itertools import count
from math import isfinite
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from clinical_ner.rollout.analysis.expectation import Expectation
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.custom_resources.codec import to_object
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus
from tests.clinical_ner.rollout.stage import Stage

SERVICE = "clinical-ner"
NAMES = (f"v{number}" for number in count(1))
"""Each object has a name of its own."""

versions = st.integers(1, 10**9).map(lambda number: f"v{number}")
words = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and text.isprintable())
numbers = st.floats(0, 1e18).filter(isfinite)  # JSON knows no other
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=offsets).filter(lambda time: 1900 < time.year < 2200)
BY_NAME = {"percent": st.integers(0, 100), "gate": st.sampled_from(["start", "promotion"])}
BY_TYPE = {int: st.integers(0, 2**53), float: numbers, bool: st.booleans(), str: st.text(max_size=20), AwareDatetime: times}

steps = st.sets(st.integers(1, 99), max_size=5).flatmap(
    lambda percents: st.tuples(
        *(
            st.builds(RolloutStep, percent=st.just(percent), hold_seconds=numbers, min_requests=BY_TYPE[int])
            for percent in [*sorted(percents), 100]
        )
    )
)


def of(annotation: object, name: str = "") -> st.SearchStrategy:
    """Any value of a field of a rollout's record."""
    if name in BY_NAME:
        return BY_NAME[name] if NoneType not in get_args(annotation) else st.none() | BY_NAME[name]
    if annotation in BY_TYPE:
        return BY_TYPE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any_of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return st.sampled_from(annotation)
    return of_generic(get_origin(annotation), get_args(annotation))


def of_generic(origin: object, arguments: tuple) -> st.SearchStrategy:
    """The same of a type that is made of others."""
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, UnionType}:
        return st.one_of(*(st.none() if each is NoneType else of(each) for each in arguments))
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=10), of(arguments[1]), max_size=2)
    several = {tuple: st.lists, frozenset: st.frozensets}
    return several[origin](of(arguments[0]), max_size=2).map(origin)


def any_of(kind: type[BaseModel], /, **fields: st.SearchStrategy) -> st.SearchStrategy:
    """Any instance of a model, with every field given; ``fields`` are narrower than their types."""
    rest = {name: of(field.annotation, name) for name, field in kind.model_fields.items() if name not in fields}
    return st.builds(kind, **rest, **fields)


def rules() -> st.SearchStrategy[AnalysisRules]:
    """Pairs in order, within each one's limits."""
    share = st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True).map(sorted)
    factor = st.lists(st.floats(1, 10, exclude_min=True), min_size=2, max_size=2, unique=True).map(sorted)
    pairs = dict.fromkeys(("errors", "refusals", "slow_median", "slow_tail"), share)
    pairs |= dict.fromkeys(("entities", "score", "collapse_entities", "collapse_score"), factor)
    return st.fixed_dictionaries(pairs).map(
        lambda found: AnalysisRules(
            **{f"tolerated_{name}": low for name, (low, _) in found.items()},
            **{f"allowed_{name}": high for name, (_, high) in found.items()},
        )
    )


def plans(**fields: st.SearchStrategy) -> st.SearchStrategy[RolloutPlan]:
    return any_of(RolloutPlan, **{"steps": steps, "ready_seconds": st.floats(1, 1e9), "rules": rules(), **fields})


def specs(**fields: st.SearchStrategy) -> st.SearchStrategy[RolloutSpec]:
    """Each with a name of its own."""
    expected = any_of(Expectation, champion=versions)
    given = {
        "name": st.builds(lambda: next(NAMES)),
        "model": st.just("clinical-ner"),
        "version": versions,
        "digest": st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}"),
        "uri": st.just("s3://clinical-ner/registry/models/clinical-ner/v2"),
        "purpose": st.just("restore"),
        "withdraws": st.just("v1000000001"),
        "plan": plans(),
        "expectation": st.none() | expected,
        "actor": words,
        "reason": words,
    }
    return any_of(RolloutSpec, **{**given, **fields})


statuses = any_of(RolloutStatus)


def body(approval="before-100", **changes) -> dict:
    """An object that nothing speaks against, but for what ``changes`` say of its specification."""
    spec = Stage().set_out(approval, name=next(NAMES)).spec
    whole = to_object(Stored(spec, RolloutStatus(), Requests(), ""), SERVICE)
    return {**whole, "spec": {name: value for name, value in {**whole["spec"], **changes}.items() if value is not None}}


def consent(gate="promotion", actor="ada") -> dict:
    return {"gate": gate, "actor": actor, "time": "2026-03-01T00:00:00Z", "reason": "read it"}


ORDER = {"actor": "bob", "time": "2026-03-01T00:00:00Z", "reason": "stop", "withdraw": False}
