"""Advances rollouts: reads what is written down, looks, writes the next status, and acts then.

A kill at any point repeats harmlessly: what was written and not done is seen to be missing and asked for again; what was not
written was not done. Of two runners of one service the second waits for the first's lease to end. One that sleeps through the
end of its lease and wakes up can do nothing: its write meets a newer record, and its change of target or registry an old look.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from clinical_ner.errors import ClinicalNerError, Conflict
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.counting.sources import MetricsSource
from clinical_ner.rollout.machine.actions import (
    AbortCanary,
    Action,
    PromoteCanary,
    RegistryAction,
    SetPercent,
    StartCanary,
    TargetAction,
)
from clinical_ner.rollout.machine.advancing import advance
from clinical_ner.rollout.machine.facts import Facts, Standing
from clinical_ner.rollout.queueing import ahead_of, superseded_by
from clinical_ner.rollout.records import RolloutRecords, Stored
from clinical_ner.rollout.standing import read_standing, tell
from clinical_ner.rollout.targets import Observation, Target
from clinical_ner.rollout.timing import Timer, system_instant

ACTOR = "rollout"
LEASE_SECONDS = 60.0
"""Some looks long: a runner that died keeps the next one waiting no longer."""


@dataclass(slots=True)
class Runner:
    """Advances all rollouts of one service.

    ``on_change`` is told of each status that was written, with the one before. ``fence`` is passed before each write and each
    action; it raises Conflict when others may be acting by now, and nothing more is done then.
    """

    records: RolloutRecords
    target: Target
    source: MetricsSource
    registry: Registry
    model: str
    timer: Timer = system_instant
    on_change: Callable[[Stored, Stored], None] | None = None
    fence: Callable[[], None] = lambda: None
    _problems: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def tick(self) -> list[Stored]:
        """Advance every rollout that has not ended by one look; returns all of them as they are now, the oldest first.

        What cannot be written down of one is raised after the others had their look.
        """
        rollouts, failed = self.records.all(), list[ClinicalNerError]()
        for index, stored in enumerate(rollouts):
            if not stored.status.ended:
                try:
                    rollouts[index] = self._advance(stored, rollouts)
                except ClinicalNerError as error:
                    failed.append(error)
        if failed:
            raise failed[0]
        return rollouts

    def _advance(self, stored: Stored, rollouts: list[Stored]) -> Stored:
        """Look, write, act. What fails is told in the next status, and tried again then."""
        name = stored.spec.name
        facts = self._look(stored, rollouts)
        status, actions = advance(stored.spec, stored.status, facts, self.timer())
        self.fence()
        try:
            written = self.records.write_status(stored, status)
        except Conflict:
            return self.records.read(name)
        if self.on_change:
            self.on_change(stored, written)
        with self._noting(name) as problems:
            for action in actions:
                with _told(problems):
                    self.fence()
                    self._act(action, facts, stored)
        return written

    def _look(self, stored: Stored, rollouts: list[Stored]) -> Facts:
        """All that can be learned now; the record was read before, so that what is seen is not older than it."""
        problems = list(self._problems.get(stored.spec.name, ()))
        target: Observation | None = None
        standing: Standing | None = None
        with _told(problems):
            target = self.target.observe()
        with _told(problems):
            standing = read_standing(self.registry, self.model, stored.spec.version)
        return Facts(
            target=target,
            registry=standing,
            canary=self._count(stored.spec.version if stored.status.started else "", problems),
            stable=self._count(stored.status.stable_version, problems),
            requests=stored.requests,
            ahead=ahead_of(stored, rollouts),
            superseded_by=superseded_by(stored, rollouts),
            problems=tuple(problems),
        )

    def _count(self, version: str, problems: list[str]) -> Counters | None:
        """Unknown for no version, and while they cannot be read."""
        if version:
            with _told(problems):
                return self.source.read(version)
        return None

    def _act(self, action: Action, seen: Facts, stored: Stored) -> None:
        if isinstance(action, RegistryAction):
            if seen.registry is not None:
                actor = f"{ACTOR} {stored.spec.name} ({stored.spec.actor})"
                tell(self.registry, self.model, action, seen.registry, actor=actor)
        elif seen.target is not None:
            carry_out(self.target, action, seen.target)

    @contextmanager
    def _noting(self, name: str) -> Iterator[list[str]]:
        problems: list[str] = []
        yield problems
        self._problems[name] = tuple(problems)


@contextmanager
def _told(problems: list[str]) -> Iterator[None]:
    """What the library knows to fail is told, and tried again at the next look; anything else is a fault of its own."""
    try:
        yield
    except ClinicalNerError as error:
        problems.append(str(error))


def carry_out(target: Target, action: TargetAction, seen: Observation) -> None:
    """Do in the target what the state machine wants; raises as :class:`Target` says."""
    match action:
        case StartCanary(model):
            target.start(model, seen)
        case SetPercent(percent):
            target.set_percent(percent, seen)
        case PromoteCanary():
            target.promote(seen)
        case AbortCanary():
            target.abort(seen)


def run(
    runner: Runner,
    lock: StoredLock,
    *,
    sleep: Callable[[float], None],
    interval_seconds: float,
    until: Callable[[list[Stored]], bool] | None = None,
) -> list[Stored]:
    """Advance rollouts until all have ended (or ``until`` says so), whenever this runner holds the lock.

    While another holds it, this one waits, and takes over when that one is done or dead. Returns the rollouts as they are then.
    The lock is renewed before each write and each action.
    """
    done = until or all_ended
    while True:
        with lock.holding() as lease:
            while lease:
                runner.fence = lease.renew
                try:
                    rollouts = runner.tick()
                    if done(rollouts):
                        return rollouts
                    sleep(interval_seconds)
                    lease.renew()
                except Conflict:
                    break
        if done(rollouts := runner.records.all()):
            return rollouts
        sleep(interval_seconds)


def all_ended(rollouts: list[Stored]) -> bool:
    return all(stored.status.ended for stored in rollouts)
