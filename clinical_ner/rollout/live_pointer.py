"""Who may move the registry's live pointer: nobody else while a rollout is under way."""

from clinical_ner.errors import RegistryError
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import Storage


def check_no_rollout(storage: Storage, model: str) -> None:
    """Refuse to move the pointer by hand while a rollout in the registry's store is under way: it would end the rollout.

    Rollouts of a cluster are not seen from here; there the controller meets the moved pointer and goes back.

    Raises:
        RegistryError: one has started and not ended.
    """
    active = find_active(StoredRollouts(storage, model).all())
    if active and active.status.started:
        raise RegistryError(
            f"rollout {active.spec.name} of {model} is {active.status.phase}: the live pointer is its to move; wait for "
            f"its end, or end it by `clinical-ner rollout abort {active.spec.name}`"
        )
