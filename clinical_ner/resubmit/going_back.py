"""What a monitor does about a live version that is worse than the one before, where traffic is moved by rollouts."""

from typing import NamedTuple

from clinical_ner.clock import Clock
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.addresses import parse_address
from clinical_ner.rollout.opening import open_records
from clinical_ner.rollout.way_back import order_once
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause

NEVER, REVIEWED_F1 = "never", "reviewed-f1"


class GoingBack(NamedTuple):
    """Whether a monitor orders the way back by itself (``on``), and on which service; ``target`` is empty without rollouts."""

    on: str = NEVER
    target: str = ""

    @classmethod
    def checked(cls, roll_back_on: str, rollout_target: str) -> "GoingBack":
        """From a run's parameters.

        Raises:
            ConfigError: one is wrong, or going back lacks its service.
        """
        if roll_back_on not in {NEVER, REVIEWED_F1}:
            raise ConfigError(f"roll_back_on: {roll_back_on!r} is neither {NEVER!r} nor {REVIEWED_F1!r}")
        if rollout_target:
            parse_address(rollout_target)
        elif roll_back_on != NEVER:
            raise ConfigError(f"roll_back_on: {roll_back_on!r} needs a rollout_target, the service that goes back")
        return cls(roll_back_on, rollout_target)

    def order(self, storage: Storage, model: str, version: str, reason: str, *, actor: str, clock: Clock) -> str:
        """See to the way back from ``version``, which reviewed notes show to be worse; what a person should know, in words.

        Ordered is it once. Empty without a target, and when another version is live by now.

        Raises:
            StorageError: the rollouts cannot be read or written; the next run tries again.
        """
        if not self.target:
            return ""
        if self.on == NEVER:
            command = f"clinical-ner rollout rollback --target {self.target}"
            return f"{model} {version} is to be rolled back, which roll_back_on = {NEVER} leaves to a person: {command}"
        records = open_records(self.target, storage, model)
        cause = Cause(records.user() or actor, clock(), reason)  # a cluster accepts no other name than its own
        ordered = order_once(records, storage, model, version, cause)
        return f"{model}: {ordered}" if ordered else ""
