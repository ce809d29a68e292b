"""The order to go back: one write, which whoever advances rollouts carries out."""

from clinical_ner.errors import AlreadyExists, RolloutError
from clinical_ner.registry import Registry
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts, find_active
from clinical_ner.rollout.specs import make_restore
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause


def order_way_back(rollouts: Rollouts, storage: Storage, model: str, cause: Cause) -> str:
    """Withdraw what is being rolled out, or else the live version; returns what was ordered, in words.

    ``storage`` is the registry's.

    Ordered again while it is under way, it is the same way back.

    Raises:
        RegistryError: nothing is under way, and there is no version before the live one.
        RolloutError: the live version is just being brought to the service again.
        ConfigError: the actor or the reason is blank.
    """
    known = rollouts.all()
    active = find_active(known)
    if active and active.spec.returns_live:
        raise RolloutError(
            f"rollout {active.spec.name} brings {active.spec.version} to the service again: wait for its end, or end it by "
            f"`clinical-ner rollout abort {active.spec.name}`; then order the way back"
        )
    if active and active.spec.purpose == "restore":
        return f"rollout {active.spec.name} is on its way back already"
    if active and active.status.started:
        rollouts.abort(active.spec.name, Abort(**cause.check()._asdict(), withdraw=True))
        return f"rollout {active.spec.name} is to end, and {active.spec.version} to be withdrawn"
    spec = make_restore(storage, model, [each.spec.name for each in known], cause)
    return _describe(rollouts.create(spec))


def order_once(rollouts: Rollouts, storage: Storage, model: str, version: str, cause: Cause) -> str:
    """Bring back the version before ``version``, once, however often and by how many it is found worse; what stands, in words.

    It supersedes the rollout of another version that is under way. Empty when ``version`` is not live, or no version was
    before it: there is nothing to do then. An order that came to nothing, or was ended by a person, is not repeated.

    Raises:
        ConfigError: the actor or the reason is blank.
    """
    states = Registry(storage).states(model)
    if states.live != version or states.previous is None:
        return ""
    known = rollouts.all()
    earlier = [each for each in known if each.spec.purpose == "restore" and each.spec.withdraws == version]
    if earlier:
        return _describe(earlier[-1])
    spec = make_restore(storage, model, [each.spec.name for each in known], cause)
    if spec.withdraws != version:  # another one went live since
        return ""
    try:
        return _describe(rollouts.create(spec))
    except AlreadyExists:
        return _describe(rollouts.read(spec.name))


def _describe(restore: Stored) -> str:
    spec, status = restore.spec, restore.status
    if status.ended and status.phase is not Phase.SUCCEEDED:
        what = f"was to bring {spec.version} back in place of {spec.withdraws}"
        return f"rollout {spec.name} {what}, and {status.phase}: {status.reason}; a person must look"
    return f"rollout {spec.name} brings {spec.version} back in place of {spec.withdraws}"
