"""What the registry says of a version that is rolled out, and what a rollout tells the registry."""

from clinical_ner.errors import NotFound
from clinical_ner.registry import Registry
from clinical_ner.rollout.machine.actions import MoveLivePointer, RaiseFence, RegistryAction, WithdrawVersion
from clinical_ner.rollout.machine.facts import Standing


def read_standing(registry: Registry, model: str, version: str) -> Standing:
    """The version's state and digest, the live version, and a token no younger than what is said of the version."""
    states = registry.states(model)
    try:
        found = registry.get(model, version)
        state, digest = found.state, found.digest
    except NotFound:
        state, digest = None, ""
    return Standing(state=state, digest=digest, live=states.live, token=states.token, fence=states.fence)


def tell(registry: Registry, model: str, action: RegistryAction, seen: Standing, *, actor: str) -> None:
    """Carry out what the state machine wants of the registry as it was ``seen``; twice is the same as once.

    Raises:
        RegistryError: the version is in a state that does not allow it.
        Conflict: the registry is no longer as it was seen.
    """
    match action:
        case MoveLivePointer(version, restore, reason):
            registry.promote(model, version, actor=actor, reason=reason, restore=restore, seen=seen.token)
        case WithdrawVersion(version, reason):
            registry.roll_back(model, version, actor=actor, reason=reason, seen=seen.token)
        case RaiseFence(by):
            registry.raise_fence(model, by)
