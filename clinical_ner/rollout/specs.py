"""What a rollout is to do, from what the registry knows of its version."""

from collections.abc import Collection
from typing import Any

from clinical_ner.errors import ConfigError, RegistryError
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.expectation import read_expectation
from clinical_ner.rollout.plan import DEFAULT_PLAN, RESTORE_PLAN, RolloutPlan
from clinical_ner.rollout.status import RolloutSpec
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause, State

RETURN_PLAN = RESTORE_PLAN.model_copy(update={"when_busy": "wait"})
"""For the live version on a service that lacks it: what is under way may be about to take its place in the registry."""


def make_rollout(  # who, why and when are one Cause
    storage: Storage, model: str, version: str, plan: RolloutPlan | None, taken: Collection[str], cause: Cause
) -> RolloutSpec:
    """What a person asks for by a version: its release, or of the live one that the service gets it again.

    Raises:
        ConfigError: a plan for the live version; else as :func:`make_release`, like the others.
    """
    found = Registry(storage).get(model, version)
    if found.state is not State.LIVE:
        return make_release(storage, model, version, plan or DEFAULT_PLAN, taken, cause)
    if plan:
        raise ConfigError(f"plan: {found.version} is live: the service gets it again in one step, and it is not judged")
    return _spec_of(found, f"{found.version}-again", taken, cause, purpose="restore", plan=RETURN_PLAN)


def make_release(  # who, why and when are one Cause
    storage: Storage, model: str, version: str, plan: RolloutPlan, taken: Collection[str], cause: Cause
) -> RolloutSpec:
    """The rollout of a candidate (which waits to be approved) or approved version; ``taken`` are the names of others.

    Raises:
        NotFound: there is no such version.
        RegistryError: it is in another state.
        ConfigError: the actor or the reason is blank.
    """
    found = Registry(storage).get(model, version)
    if found.state not in {State.CANDIDATE, State.APPROVED}:
        raise RegistryError(f"{model} {found.version} is {found.state}: only an approved version is rolled out")
    expectation = read_expectation(storage, model, found.version)
    return _spec_of(found, found.version, taken, cause, plan=plan, expectation=expectation)


def make_restore(storage: Storage, model: str, taken: Collection[str], cause: Cause) -> RolloutSpec:
    """The way back from the live version, which is withdrawn, to the one before it.

    Raises:
        RegistryError: nothing is live, or no version was live before it.
        ConfigError: the actor or the reason is blank.
    """
    registry = Registry(storage)
    states = registry.states(model)
    if states.live is None or states.previous is None:
        raise RegistryError(f"{model}: {f'before {states.live} no version' if states.live else 'no version'} was live")
    found = registry.get(model, states.previous)
    name = f"{found.version}-again"
    return _spec_of(found, name, taken, cause, purpose="restore", withdraws=states.live, plan=RESTORE_PLAN)


def check_gate(spec: RolloutSpec, gate: str) -> None:
    """Raises ConfigError when the rollout's plan does not ask anybody about this."""
    asks = {"before-start": "start", "before-100": "promotion"}.get(spec.plan.approval, "")
    if gate != asks:
        wants = f"for its {asks}" if asks else "for nothing: it goes on by itself when its checks pass"
        raise ConfigError(f"rollout {spec.name} does not wait for the approval of its {gate}; its plan asks {wants}")


def _spec_of(found: ModelVersion, name: str, taken: Collection[str], cause: Cause, **fields: Any) -> RolloutSpec:
    cause.check()
    return RolloutSpec(
        name=_free_name(name, taken),
        model=found.name,
        version=found.version,
        digest=found.digest,
        uri=found.uri,
        actor=cause.actor,
        created=cause.time,
        reason=cause.reason,
        **fields,
    )


def _free_name(name: str, taken: Collection[str]) -> str:
    number = 1
    while (tried := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return tried
