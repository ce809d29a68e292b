"""What a rollout is to do, from what the registry knows of its version."""

from collections.abc import Collection
from datetime import datetime

from clinical_ner.errors import ConfigError, RegistryError
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.expectation import read_expectation
from clinical_ner.rollout.plan import RESTORE_PLAN, RolloutPlan
from clinical_ner.rollout.status import RolloutSpec
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause, State


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
    return RolloutSpec(
        name=_free_name(found.version, taken),
        model=model,
        version=found.version,
        digest=found.digest,
        uri=found.uri,
        plan=plan,
        expectation=read_expectation(storage, model, found.version),
        **_because(cause),
    )


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
    return RolloutSpec(
        name=_free_name(f"{found.version}-again", taken),
        model=model,
        version=found.version,
        digest=found.digest,
        uri=found.uri,
        purpose="restore",
        withdraws=states.live,
        plan=RESTORE_PLAN,
        **_because(cause),
    )


def check_gate(spec: RolloutSpec, gate: str) -> None:
    """Raises ConfigError when the rollout's plan does not ask anybody about this."""
    asks = {"before-start": "start", "before-100": "promotion"}.get(spec.plan.approval, "")
    if gate != asks:
        wants = f"for its {asks}" if asks else "for nothing: it goes on by itself when its checks pass"
        raise ConfigError(f"rollout {spec.name} does not wait for the approval of its {gate}; its plan asks {wants}")


def _because(cause: Cause) -> dict[str, str | datetime]:
    cause.check()
    return {"actor": cause.actor, "created": cause.time, "reason": cause.reason}


def _free_name(name: str, taken: Collection[str]) -> str:
    number = 1
    while (tried := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return tried
