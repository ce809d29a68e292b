"""Where rollouts are written down: in the registry's storage on a laptop, as custom resources on a cluster."""

from dataclasses import dataclass
from typing import Protocol

from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus


@dataclass(frozen=True, slots=True)
class Stored:
    """A rollout as it is written down. ``token`` names this state of the record for the next write; opaque."""

    spec: RolloutSpec
    status: RolloutStatus
    requests: Requests
    token: str


class RolloutRecords(Protocol):
    """The rollouts of one service."""

    def all(self) -> list[Stored]:
        """Every rollout, the oldest first."""
        ...

    def read(self, name: str) -> Stored:
        """One rollout.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    def write_status(self, stored: Stored, status: RolloutStatus) -> Stored:
        """Put ``status`` in place of the stored one.

        Raises:
            Conflict: the record is no longer as ``stored``; nothing was written, read it again.
        """
        ...
