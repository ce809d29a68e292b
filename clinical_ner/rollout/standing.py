"""What the registry says of a version that is rolled out, and what a rollout tells the registry."""

from clinical_ner.errors import NotFound
from clinical_ner.registry import Registry
from clinical_ner.rollout.machine.actions import MoveLivePointer, RegistryAction
from clinical_ner.rollout.machine.facts import Standing


def read_standing(registry: Registry, model: str, version: str) -> Standing:
    """The version's state and digest, and the live version."""
    live = registry.states(model).live
    try:
        found = registry.get(model, version)
    except NotFound:
        return Standing(state=None, digest="", live=live)
    return Standing(state=found.state, digest=found.digest, live=live)


def tell(registry: Registry, model: str, action: RegistryAction, *, actor: str) -> None:
    """Carry out what the state machine wants of the registry; twice is the same as once.

    Raises:
        RegistryError: the version is in a state that does not allow it.
    """
    if isinstance(action, MoveLivePointer):
        registry.promote(model, action.version, actor=actor, reason=action.reason, restore=action.restore)
    else:
        registry.roll_back(model, action.version, actor=actor, reason=action.reason)
