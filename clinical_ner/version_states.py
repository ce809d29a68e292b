"""The states of a model's versions: which changes are allowed, and what they leave behind. Pure; nothing is stored here.

::

    candidate --> approved --> live <--> retired
        |           |  |         |
        v           v  v         v
     rejected <-----+  +--> rolled-back

All changes of a model are kept in one record, so that a promotion, which changes two versions, is one write.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, computed_field

from clinical_ner.errors import ConfigError, RegistryError, StorageError


class State(StrEnum):
    """What a version is, or was, to those who serve it."""

    CANDIDATE = "candidate"
    """Registered; nobody has approved it."""
    APPROVED = "approved"
    """May be rolled out or promoted."""
    LIVE = "live"
    """The champion; at most one."""
    RETIRED = "retired"
    """Was live until another took its place."""
    REJECTED = "rejected"
    """Was not approved; final."""
    ROLLED_BACK = "rolled-back"
    """Failed its rollout or was withdrawn while live; final, and its digest is never approved again."""


TRANSITIONS: dict[State, AbstractSet[State]] = {
    State.CANDIDATE: {State.APPROVED, State.REJECTED},
    State.APPROVED: {State.LIVE, State.REJECTED, State.ROLLED_BACK},
    State.LIVE: {State.RETIRED, State.ROLLED_BACK},
    State.RETIRED: {State.LIVE},
    State.REJECTED: set(),
    State.ROLLED_BACK: set(),
}
"""The states that a version may take next; every change passes this table."""

_ADVICE = {
    State.CANDIDATE: "approve it first",
    State.APPROVED: "promote or reject it",
    State.LIVE: "promote another version, which retires this one, or roll back",
    State.RETIRED: "bring it back by a promotion that says so (restore)",
    State.REJECTED: "this is final; train and register another version",
    State.ROLLED_BACK: "this is final; train and register another version",
}


class Cause(NamedTuple):
    """Who changes a state, when, and why."""

    actor: str
    time: datetime
    reason: str

    def check(self) -> "Cause":
        """Return the cause.

        Raises:
            ConfigError: the actor or the reason is blank.
        """
        for name in ("actor", "reason"):
            if not str(getattr(self, name)).strip():
                raise ConfigError(f"{name}: must not be blank; it is kept with the version's states")
        return self


class Change(BaseModel):
    """One version's step to ``state``."""

    model_config = ConfigDict(frozen=True)

    version: str
    digest: str
    state: State
    actor: str
    time: AwareDatetime
    reason: str


class States(BaseModel):
    """Every change since the model's first version, in order; a version without one is a candidate."""

    model_config = ConfigDict(frozen=True)

    changes: tuple[Change, ...] = ()
    pruned: tuple[str, ...] = ()
    """Versions whose files were removed; their changes stay, and their numbers are not used again."""
    fence: str = ""
    """Who raised it last (see :func:`raise_fence`)."""

    @property
    def token(self) -> str:
        """Names these states for a change that must meet no others; opaque."""
        return f"{len(self.changes)} {self.fence}"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def live(self) -> str | None:
        """The live pointer: the champion's version."""
        return next((version for version, state in self._current().items() if state is State.LIVE), None)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def previous(self) -> str | None:
        """The version to go back to: of those retired, the one that was live last and is another model than the live one."""
        current = self._current()
        unfit = {change.digest for change in self.changes if current[change.version] in {State.LIVE, State.ROLLED_BACK}}
        for change in reversed(self.changes):
            retired = change.state is State.RETIRED and current[change.version] is State.RETIRED
            if retired and change.digest not in unfit and change.version not in self.pruned:
                return change.version
        return None

    def of(self, version: str) -> State:
        return self._current().get(version, State.CANDIDATE)

    def changes_of(self, version: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.version == version)

    def to_json(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def _current(self) -> dict[str, State]:
        return {change.version: change.state for change in self.changes}


def parse_states(data: bytes, *, key: str) -> States:
    """Read what :meth:`States.to_json` wrote; the derived ``live`` and ``previous`` in it are for other readers.

    Raises:
        StorageError: it is something else.
    """
    try:
        return States.model_validate_json(data)
    except ValidationError as error:
        raise StorageError(f"{key}: damaged: not the states of a model's versions") from error


def move(states: States, version: str, digest: str, state: State, cause: Cause) -> States:
    """``states`` after ``version`` took ``state``; the same object when it has it already, so that a step may run twice.

    Raises:
        RegistryError: the table does not allow it, the version was pruned, or its digest was once rolled back.
        ConfigError: the cause lacks an actor or a reason.
    """
    current = states.of(version)
    if version in states.pruned:
        raise RegistryError(f"{version} cannot become {state}: its files were pruned; register the model again")
    if current is state:
        return states
    if state not in TRANSITIONS[current]:
        raise RegistryError(f"{version} cannot go from {current} to {state}: {_ADVICE[current]}")
    if state in {State.APPROVED, State.LIVE}:
        _check_never_rolled_back(states, version, digest)
    cause.check()
    change = Change(version=version, digest=digest, state=state, **cause._asdict())
    return states.model_copy(update={"changes": (*states.changes, change)})


def _check_never_rolled_back(states: States, version: str, digest: str) -> None:
    for change in states.changes:
        if change.digest == digest and change.state is State.ROLLED_BACK:
            raise RegistryError(
                f"{version} is the same model as {change.version}, which was rolled back on {change.time:%Y-%m-%d}, and is "
                f"never approved again; train with other parameters or data"
            )


def promote(states: States, version: str, digest: str, cause: Cause, *, restore: bool = False) -> States:
    """``states`` after ``version`` became the live one and the one before it retired.

    A retired version comes back only with ``restore``: a pipeline step that runs a second time must not undo a later promotion.

    Raises:
        RegistryError: the version is neither approved nor, with ``restore``, retired.
    """
    if states.of(version) is State.RETIRED and not restore:
        raise RegistryError(f"{version} cannot go from retired to live: {_ADVICE[State.RETIRED]}")
    after = move(states, version, digest, State.LIVE, cause)
    if after is states or states.live is None:
        return after
    before = states.changes_of(states.live)[-1]
    reason = f"{version} took its place: {cause.reason}"
    retired = move(states, before.version, before.digest, State.RETIRED, cause._replace(reason=reason))
    return retired.model_copy(update={"changes": (*retired.changes, after.changes[-1])})


def roll_back(states: States, version: str, digest: str, cause: Cause) -> States:
    """``states`` after ``version`` was withdrawn for good; when it was live, the previous version is live again.

    Raises:
        RegistryError: the version is neither approved nor live, or it is live and there is none to go back to.
    """
    after = move(states, version, digest, State.ROLLED_BACK, cause)
    if after is states or states.live != version:
        return after
    if states.previous is None:
        raise RegistryError(f"{version} cannot be rolled back: there is no retired version to go back to; promote another")
    target = states.changes_of(states.previous)[-1]
    reason = f"{version} was rolled back: {cause.reason}"
    return move(after, target.version, target.digest, State.LIVE, cause._replace(reason=reason))


def raise_fence(states: States, by: str) -> States:
    """``states`` under another token, so that a change that was asked for by the present one and may be on its way is refused.

    Raised again by the same, they are the same object.
    """
    return states if states.fence == by else states.model_copy(update={"fence": by})


def prunable(states: States, versions: list[str], *, keep: int, referenced: AbstractSet[str]) -> list[str]:
    """Of ``versions``, oldest first, all but the newest ``keep``, the live, the previous and the ``referenced`` ones.

    Raises:
        ConfigError: ``keep`` is negative.
    """
    if keep < 0:
        raise ConfigError(f"keep: {keep} is negative")
    needed = {states.live, states.previous, *referenced}
    return [version for version in versions[: max(len(versions) - keep, 0)] if version not in needed]
