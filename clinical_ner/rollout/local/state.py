"""What a local service is to be, how each operation of a target changes that (pure), and the file it is kept in."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from clinical_ner.errors import ConfigError, StorageError, TargetChanged
from clinical_ner.rollout.targets import ModelReference

STATE = "state.json"


class Member(BaseModel):
    """One version as it is served. ``incarnation`` is another whenever it is started as another server."""

    model_config = ConfigDict(frozen=True)

    version: str
    digest: str
    uri: str
    incarnation: str


class ProcessRecord(BaseModel):
    """A member's process, so that a service that was killed finds it again."""

    model_config = ConfigDict(frozen=True)

    pid: int
    http_port: int
    restarts: int = 0


class LocalState(BaseModel):
    """``generation`` grows with every change of what the service is to be; ``identity`` is another for another folder."""

    model_config = ConfigDict(frozen=True)

    identity: str
    model: str
    port: int
    server_options: tuple[str, ...] = ()
    generation: int = 0
    stable: Member | None = None
    canary: Member | None = None
    asked: int | None = None
    """The canary's share, in percent; None without a canary."""
    leaving_canary: Member | None = None
    """It gets nothing any more and is gone when its process is."""
    leaving: tuple[Member, ...] = ()
    """Former stables, on their way out."""
    processes: Mapping[str, ProcessRecord] = {}
    """By incarnation."""

    @property
    def token(self) -> str:
        return f"{self.identity}-{self.generation}"

    @property
    def serving(self) -> tuple[Member, ...]:
        return tuple(member for member in (self.stable, self.canary) if member)

    @property
    def ending(self) -> tuple[Member, ...]:
        return (*self.leaving, *((self.leaving_canary,) if self.leaving_canary else ()))


def start(state: LocalState, model: ModelReference, incarnation: str) -> LocalState:
    """The canary at 0 %; nothing changes while the canary before is on its way out, nor for one that is there.

    Raises:
        TargetChanged: another canary is there, or the version is the stable one.
    """
    if state.canary and state.canary.version == model.version:
        return state
    if state.canary or (state.stable and state.stable.version == model.version):
        role = "a canary" if state.canary else "the stable version"
        other = state.canary or state.stable
        raise TargetChanged(f"{model.version} cannot be started: {role} {other.version if other else ''} is there")
    if state.leaving_canary:
        return state
    canary = Member(version=model.version, digest=model.digest, uri=model.uri, incarnation=incarnation)
    return _changed(state, canary=canary, asked=0 if state.stable else 100)


def set_percent(state: LocalState, percent: int) -> LocalState:
    """Another share for the canary; the only version of a service has everything whatever is asked for.

    Raises:
        TargetChanged: there is no canary.
    """
    if state.canary is None:
        raise TargetChanged(f"{percent} % was asked for, and there is no canary")
    return state if percent == state.asked else _changed(state, asked=percent)


def promote(state: LocalState) -> LocalState:
    """The canary is the stable and the stable before is on its way out; nothing changes without a canary at 100 %."""
    if state.canary is None or state.asked != 100:
        return state
    leaving = (*state.leaving, state.stable) if state.stable else state.leaving
    return _changed(state, stable=state.canary, canary=None, asked=None, leaving=leaving)


def abort(state: LocalState) -> LocalState:
    """The next step of two: the canary's share to 0, then the canary away. Without a stable there is only the second."""
    if state.canary is None:
        return state
    if state.stable and state.asked:
        return _changed(state, asked=0)
    return _changed(state, canary=None, asked=None, leaving_canary=state.canary)


def without(state: LocalState, member: Member) -> LocalState:
    """The service after the process of a member that was on its way out is gone."""
    return state.model_copy(
        update={
            "leaving": tuple(each for each in state.leaving if each != member),
            "leaving_canary": None if state.leaving_canary == member else state.leaving_canary,
            "processes": {name: each for name, each in state.processes.items() if name != member.incarnation},
            "generation": state.generation + (state.leaving_canary == member),
        }
    )


def with_process(state: LocalState, member: Member, record: ProcessRecord) -> LocalState:
    return state.model_copy(update={"processes": {**state.processes, member.incarnation: record}})


def describe(state: LocalState, logs: Path) -> str:
    """What is served where, in a line."""
    address = f"http://127.0.0.1:{state.port}"
    if not state.serving:
        return f"no version of {state.model} is live: callers at {address} get 503 until a rollout"
    stable, *canary = (member.version for member in state.serving)
    split = f" ({state.asked} % for {canary[0]})" if canary else ""
    return f"{stable} of {state.model} at {address}{split}, logs in {logs}"


def check_unchanged(state: LocalState, *, model: str | None, port: int | None, options: Sequence[str] | None) -> None:
    """Refuse what is asked for beside a service that goes on as it was; None asks for nothing.

    Raises:
        ConfigError: it has another name, port or options.
    """
    asked: dict[str, tuple[object, object]] = {
        "--name": (model, state.model),
        "--port": (port, state.port),
        "--server-option": (tuple(options) if options else None, state.server_options),
    }
    for option, (wanted, kept) in asked.items():
        if wanted not in (None, kept):
            raise ConfigError(f"{option}: the service in this folder has {kept or 'none'}: leave it out, or remove the folder")


def read_state(folder: Path) -> LocalState | None:
    """The state in a service's folder; None when there is none yet; raises StorageError when it is damaged."""
    try:
        return LocalState.model_validate_json((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StorageError(f"{folder / STATE}: damaged: not the state of a local service; remove it to begin anew") from error


def write_state(folder: Path, state: LocalState) -> None:
    """Put the state in place of the one before, whole or not at all."""
    unfinished = folder / f"{STATE}.unfinished"
    with unfinished.open("wb") as file:
        file.write(state.model_dump_json(indent=2).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / STATE)


def _changed(state: LocalState, **update: object) -> LocalState:
    return state.model_copy(update={**update, "generation": state.generation + 1})
