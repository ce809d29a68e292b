"""Rollouts as people and pipelines ask for them, wherever they are written down."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from clinical_ner.errors import ConfigError, Conflict
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Abort, Approval, Requests, RolloutSpec, RolloutStatus

_ATTEMPTS = 100


class Rollouts(ABC):
    """The rollouts of one service; a :class:`clinical_ner.rollout.records.RolloutRecords` that takes requests too."""

    def user(self) -> str:
        """The name by which whoever asks is known there; empty where nobody has one."""
        return ""

    @abstractmethod
    def all(self) -> list[Stored]:
        """Every rollout, the oldest first."""

    @abstractmethod
    def read(self, name: str) -> Stored:
        """One rollout; raises NotFound when there is none of that name."""

    @abstractmethod
    def create(self, spec: RolloutSpec) -> Stored:
        """Write down a new rollout.

        Raises:
            AlreadyExists: there is one of that name.
            ConfigError: its name, or what it says, is unfit.
        """

    @abstractmethod
    def write_status(self, stored: Stored, status: RolloutStatus) -> Stored:
        """Put ``status`` in place of the stored one; raises Conflict when the record is no longer as ``stored``."""

    @abstractmethod
    def _write_requests(self, stored: Stored, requests: Requests) -> Stored:
        """The same for what was asked, which has only grown."""

    def approve(self, name: str, approval: Approval) -> Stored:
        """Add a person's consent; a second one to the same gate changes nothing.

        Raises:
            NotFound: there is no such rollout.
            ConfigError: it has ended.
        """

        def add(requests: Requests) -> Requests:
            if requests.approves(approval.gate):
                return requests
            return requests.model_copy(update={"approvals": (*requests.approvals, approval)})

        return self._request(name, add)

    def abort(self, name: str, abort: Abort) -> Stored:
        """Order its end, which whoever advances it carries out; the first order stays. Raises as :meth:`approve`."""
        return self._request(
            name, lambda requests: requests if requests.abort else requests.model_copy(update={"abort": abort})
        )

    def _request(self, name: str, change: Callable[[Requests], Requests]) -> Stored:
        for _ in range(_ATTEMPTS):
            stored = self.read(name)
            if stored.status.ended:
                raise ConfigError(f"rollout {name} has ended: it {stored.status.phase}; start another")
            after = change(stored.requests)
            if after is stored.requests:
                return stored
            try:
                return self._write_requests(stored, after)
            except Conflict:
                continue
        raise Conflict(f"rollout {name}: changed by others {_ATTEMPTS} times in a row; try again")


def by_age(rollouts: Iterable[Stored]) -> list[Stored]:
    """The oldest first."""
    return sorted(rollouts, key=lambda each: (each.spec.created, each.spec.name))


def find_active(rollouts: Iterable[Stored]) -> Stored | None:
    """Of a service's rollouts the one under way: started, or else next in turn; None when all have ended."""
    under_way = [each for each in rollouts if not each.status.ended]
    return min(under_way, key=lambda each: (not each.status.started, each.spec.created, each.spec.name), default=None)
