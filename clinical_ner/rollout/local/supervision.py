"""Keeps the server of one version running, and says whether it is ready, as a cluster's node does."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from clinical_ner.errors import ClinicalNerError
from clinical_ner.rollout.local.process import ModelProcess
from clinical_ner.rollout.local.state import Member, ProcessRecord

POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
"""Before an ended server is started again; twice as long each time."""
END_SECONDS = 60.0
"""Longer than the server's own drain and grace; then it is killed."""


class Supervised:
    """A member with its server. ``changed`` is called with a record of each new process, ``tell`` with a line for people."""

    def __init__(
        self,
        member: Member,
        model: str,
        options: Sequence[str],
        logs: Path,
        changed: Callable[[Member, ProcessRecord], None],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.member = member
        self.in_flight = 0
        self.ready = False
        self.reason = "it was just started"
        self.restarts = 0
        self.process: ModelProcess | None = None
        self._model, self._options, self._changed, self._tell = model, options, changed, tell
        self._log = logs / f"{member.version}-{member.incarnation}.log"
        self._left: ProcessRecord | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def http_port(self) -> int:
        return self.process.http_port if self.process else 0

    def supervise(self, record: ProcessRecord | None) -> None:
        """Begin; ``record`` is of the process that a service before this one had for the member."""
        self._left = record
        self._task = asyncio.create_task(self._keep_running(record))

    async def end(self) -> None:
        """End the server when what it was sent is answered; returns when its process is gone."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.ready, self.reason = False, "it is being stopped"
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                while self.in_flight:
                    await asyncio.sleep(POLL_SECONDS)
        process = self.process or (await ModelProcess.find(self._left) if self._left else None)
        if process:
            await _end(process)

    async def _keep_running(self, record: ProcessRecord | None) -> None:
        if record:
            self.restarts = record.restarts
            self.process, self._left = await ModelProcess.find(record), None
            self.restarts += self.process is None
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self.process or self._start():
                await self._watch()
                self.restarts += 1
            self.process, self.ready = None, False
            self._tell(f"{self.member.version}: {self.reason}; it is started again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _start(self) -> bool:
        try:
            self.process = ModelProcess.start(self.member, self._options, self._log)
        except (ClinicalNerError, OSError) as error:
            self.reason = str(error)
            return False
        self._changed(self.member, ProcessRecord(pid=self.process.pid, http_port=self.http_port, restarts=self.restarts))
        return True

    async def _watch(self) -> None:
        """Until its process ends; a server that was asked to end by another says first that it is not ready."""
        process = self.process
        while process and not (how := await process.ended()):
            was_ready, self.ready = self.ready, await process.is_ready(self._model)
            if self.ready and not was_ready:
                self._tell(f"{self.member.version} is ready")
            if not self.ready and not self.restarts:
                self.reason = f"it does not say that it is ready; see {self._log}"
            await asyncio.sleep(POLL_SECONDS)
        self.reason = f"its process {how}; see {self._log}"


async def _end(process: ModelProcess) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            while not await process.ended():
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        process.kill()
        while not await process.ended():
            await asyncio.sleep(POLL_SECONDS)
