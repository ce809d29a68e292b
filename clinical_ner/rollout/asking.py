"""Asking for the rollout of a version by a step that may run again: it is one rollout, named after the version."""

from clinical_ner.errors import AlreadyExists, NotFound, RolloutError
from clinical_ner.model_versions import ModelVersion
from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts
from clinical_ner.rollout.specs import make_release
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause


def ask_once(rollouts: Rollouts, storage: Storage, version: ModelVersion, plan: RolloutPlan, cause: Cause) -> Stored:
    """The rollout of the version, made now unless there is one, however it stands and whatever its plan.

    It reads and creates by name alone and lists nothing; ``storage`` is the registry's.

    Raises:
        RegistryError: there is no rollout of it yet, and its state allows none.
        RolloutError: the rollout of that name is of another model or service.
    """
    name = version.version
    try:
        found = rollouts.read(name)
    except NotFound:
        spec = make_release(storage, version.name, name, plan, (), cause)
        try:
            found = rollouts.create(spec)
        except AlreadyExists:
            found = _read_again(rollouts, name)
    if found.spec.digest != version.digest:
        what = f"of {found.spec.digest}, but {version.name} {name} is {version.digest}"
        raise RolloutError(f"rollout {name} is {what}: another registry left it; remove it, or use another name")
    return found


def _read_again(rollouts: Rollouts, name: str) -> Stored:
    """What took the name meanwhile."""
    try:
        return rollouts.read(name)
    except NotFound as error:
        raise RolloutError(f"a rollout {name} of another service is in the way: {error}") from error
