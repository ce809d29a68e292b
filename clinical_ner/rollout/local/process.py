"""One model server process: started, found again, asked whether it is ready, ended."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from clinical_ner.rollout.local.state import Member, ProcessRecord
from clinical_ner.rollout.local.wire import BackendGone, BackendRefuses, Request, exchange
from clinical_ner.storage import path_of

READY_SECONDS = 5.0
"""A server that does not say within so long that it is ready is not."""


class ModelProcess:
    """``python -m serving`` on ports of its own; a child of this process, or of one before it that was killed."""

    def __init__(self, pid: int, http_port: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid = pid
        self.http_port = http_port
        self._child = child

    @classmethod
    def start(cls, member: Member, options: Sequence[str], log: Path) -> Self:
        """Start a server that verifies the member's digest before it loads anything.

        ``{version}`` in an option becomes the version: what two servers must not share has another name for each.

        Raises:
            ConfigError: the version is not on this machine.
        """
        http_port, grpc_port = _free_ports()
        command = [sys.executable, "-m", "serving", "--model-dir", str(path_of(member.uri)), "--host", "127.0.0.1"]
        command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port), "--model-digest", member.digest]
        command += [option.replace("{version}", member.version) for option in options]
        with log.open("ab") as sink:
            # A session of its own: an interrupt at the terminal goes to the service, which ends its servers in order.
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(child.pid, http_port, child)

    @classmethod
    async def find(cls, record: ProcessRecord) -> Self | None:
        """The process that a killed service has left; None when it is gone, or its number is another's by now."""
        process = cls(record.pid, record.http_port)
        return process if await process._listens() else None

    async def ended(self) -> str:
        """How it ended, in words; empty while it runs."""
        if self._child is not None:
            status = self._child.poll()
            return "" if status is None else f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
        # Of another's child only its port tells: the number stays taken until somebody collects it.
        return "" if await self._listens() else "ended"

    async def is_ready(self, model: str) -> bool:
        return await self._answers(f"/v2/models/{model}/ready")

    def terminate(self) -> None:
        """Ask it to say that it is not ready, to finish what it has, and to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send_signal(number)
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def _listens(self) -> bool:
        return await self._answers("/v2/health/live")

    async def _answers(self, path: str) -> bool:
        request = Request(b"GET", path.encode(), [(b"Host", b"localhost")], b"")
        try:
            async with asyncio.timeout(READY_SECONDS):
                return (await exchange(self.http_port, request)).status == 200
        except (BackendGone, BackendRefuses, TimeoutError):
            return False


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]
