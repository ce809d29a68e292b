"""Starts a local service: here until it is stopped, or as a process of its own."""

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from clinical_ner.errors import ConfigError, TargetUnreachable
from clinical_ner.rollout.local.control import ask, socket_path
from clinical_ner.rollout.local.service import LocalService, only_one
from clinical_ner.rollout.local.state import LocalState, Member, read_state
from clinical_ner.rollout.targets import ModelReference

START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_LOG = "service.log"


def new_state(model: str, port: int, options: Sequence[str], stable: ModelReference | None) -> LocalState:
    """A service that serves ``stable`` to everybody, or nothing yet."""
    first = stable and Member(version=stable.version, digest=stable.digest, uri=stable.uri, incarnation=uuid.uuid4().hex[:12])
    identity = uuid.uuid4().hex[:12]
    return LocalState(identity=identity, model=model, port=port, server_options=tuple(options), stable=first)


def run_service(folder: Path, tell: Callable[[str], None], first: LocalState | None = None) -> None:
    """Run the service of ``folder`` until it is stopped; it goes on from what is written down there, else from ``first``.

    ``tell`` is called with lines for whoever watches.

    Raises:
        ConfigError: one runs there already, its port is taken, or there is nothing to go on from.
    """
    socket_path(folder)
    with only_one(folder):
        state = read_state(folder) or first
        if state is None:
            raise ConfigError(f"{folder}: no local service was ever started there")
        asyncio.run(_run(folder, state, tell))


async def _run(folder: Path, state: LocalState, tell: Callable[[str], None]) -> None:
    await LocalService(folder, state, tell).run()


def launch(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the service of ``folder`` as a process of its own, which outlives this one; returns once it takes commands.

    Raises:
        ConfigError: it ended instead, or took too long.
    """
    log = folder / _LOG
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "clinical_ner.rollout.local", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            ask(folder, "observe")
        except TargetUnreachable:
            time.sleep(_POLL_SECONDS)
        else:
            return process
    process.kill()
    raise ConfigError(f"{folder}: the local service did not start; see {log}")
