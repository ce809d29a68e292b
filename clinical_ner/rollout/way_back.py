"""The order to go back: one write, which whoever advances rollouts carries out."""

from clinical_ner.rollout.rollouts import Rollouts, find_active
from clinical_ner.rollout.specs import make_restore
from clinical_ner.rollout.status import Abort
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause


def order_way_back(rollouts: Rollouts, storage: Storage, model: str, cause: Cause) -> str:
    """Withdraw what is being rolled out, or else the live version; returns what was ordered, in words.

    ``storage`` is the registry's.

    Ordered again while it is under way, it is the same way back.

    Raises:
        RegistryError: nothing is under way, and there is no version before the live one.
        ConfigError: the actor or the reason is blank.
    """
    known = rollouts.all()
    active = find_active(known)
    if active and active.spec.purpose == "restore":
        return f"rollout {active.spec.name} is on its way back already"
    if active and active.status.started:
        rollouts.abort(active.spec.name, Abort(**cause.check()._asdict(), withdraw=True))
        return f"rollout {active.spec.name} is to end, and {active.spec.version} to be withdrawn"
    spec = make_restore(storage, model, [each.spec.name for each in known], cause)
    rollouts.create(spec)
    return f"rollout {spec.name} brings {spec.version} back in place of {spec.withdraws}"
