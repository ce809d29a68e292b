"""A local service's process: the split, its servers, and the socket that takes commands."""

import asyncio
import fcntl
import random
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.rollout.local import state as states
from clinical_ner.rollout.local.control import open_control
from clinical_ner.rollout.local.split import Route, Split
from clinical_ner.rollout.local.state import LocalState, Member, ProcessRecord, describe
from clinical_ner.rollout.local.supervision import Supervised
from clinical_ner.rollout.targets import ModelReference

LOCK, LOGS = "lock", "logs"


class LocalService:
    """Holds what the service is to be, and sees to it. What it is to be is written down before it is done.

    ``tell`` is called with lines for whoever watches: where it listens, and what becomes of its servers.
    """

    def __init__(self, folder: Path, state: LocalState, tell: Callable[[str], None]) -> None:
        self.folder, self.state, self._tell = folder, state, tell
        self.split = Split(random.Random())  # noqa: S311  # which version answers is no secret
        self._servers: dict[str, Supervised] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; then finish what is in flight and end the servers."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        states.write_state(self.folder, self.state)
        self._see_to_it()
        async with await _listen(self.split, self.state.port), await open_control(self.folder, self.command):
            self._tell(describe(self.state, self.folder / LOGS))
            await self._stopped.wait()
        await asyncio.gather(*(each.end() for each in self._servers.values()), *self._ending.values())
        self.split.close()

    def command(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Answer a question or carry out a command of the control socket.

        Raises:
            TargetChanged: the command was given by a state that is no longer so.
            ConfigError: there is no such command.
        """
        if verb == "observe":
            return self._observe()
        if verb == "calls":
            return self.split.counts.as_json()
        if arguments.get("token") != self.state.token:
            raise TargetChanged("the local service is no longer as it was observed")
        self._adopt(self._changed(verb, arguments))
        return None

    def _changed(self, verb: str, arguments: Mapping[str, Any]) -> LocalState:
        match verb:
            case "start":
                return states.start(self.state, ModelReference(**arguments["model"]), uuid.uuid4().hex[:12])
            case "set_percent":
                return states.set_percent(self.state, int(arguments["percent"]))
            case "promote":
                ready = self.state.canary and self._servers[self.state.canary.incarnation].ready
                return states.promote(self.state) if ready else self.state
            case "abort":
                return states.abort(self.state)
        raise ConfigError(f"{verb}: a local service knows no such command")

    def _adopt(self, state: LocalState) -> None:
        if state != self.state:
            states.write_state(self.folder, state)
            self.state = state
            self._see_to_it()

    def _see_to_it(self) -> None:
        for member in (*self.state.serving, *self.state.ending):
            if member.incarnation not in self._servers:
                self._servers[member.incarnation] = self._supervise(member)
        self.split.route = self._route()
        for member in self.state.ending:
            if member.incarnation not in self._ending:
                self._ending[member.incarnation] = asyncio.create_task(self._end(member))

    def _supervise(self, member: Member) -> Supervised:
        (self.folder / LOGS).mkdir(exist_ok=True)
        model, options = self.state.model, self.state.server_options
        server = Supervised(member, model, options, self.folder / LOGS, self._record, self._tell)
        server.supervise(self.state.processes.get(member.incarnation))
        return server

    def _record(self, member: Member, record: ProcessRecord) -> None:
        self._adopt(states.with_process(self.state, member, record))

    async def _end(self, member: Member) -> None:
        await self._servers[member.incarnation].end()
        del self._servers[member.incarnation], self._ending[member.incarnation]
        self._adopt(states.without(self.state, member))

    def _route(self) -> Route:
        stable, canary = (self._servers[each.incarnation] if each else None for each in (self.state.stable, self.state.canary))
        return Route(stable, canary, self.state.asked or 0)

    def _observe(self) -> dict[str, Any]:
        """What :class:`clinical_ner.rollout.local.target.LocalTarget` makes an Observation of."""
        state = self.state
        roles = {"stable": state.stable, "canary": state.canary or state.leaving_canary}
        backends = {role: self._describe(member) if member else None for role, member in roles.items()}
        return {**backends, "asked": state.asked, "percent": self._percent(), "token": state.token}

    def _percent(self) -> int | None:
        """What the split does at this moment; unknown while the canary should carry something and is not ready."""
        stable, canary, percent = self.split.route
        if canary is None:
            return 0
        if percent and not canary.ready:
            return None
        return percent if stable else 100

    def _describe(self, member: Member) -> dict[str, Any]:
        server = self._servers[member.incarnation]
        return {
            **member.model_dump(include={"version", "digest", "incarnation"}),
            "ready": server.ready,
            "restarts": server.restarts,
            "reason": "" if server.ready else server.reason,
            "http_port": server.http_port,
        }


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel gives back however this process ends; raises ConfigError when another has it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{folder}: a local service runs there already") from None
        yield


async def _listen(split: Split, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(split.serve, "127.0.0.1", port, backlog=1024)
    except OSError as error:
        raise ConfigError(f"port {port}: cannot listen there: {error.strerror}") from error
