"""Carrying rollouts out from the command line, and watching them."""

import os
import socket
import time
from contextlib import suppress

import typer
from rich.console import Console
from rich.live import Live

from clinical_ner.cli.rollout_services import Service
from clinical_ner.cli.rollout_tables import rollout_line, rollouts_table
from clinical_ner.cli.rollout_targets import open_target
from clinical_ner.clock import utc_now
from clinical_ner.errors import ClusterUnreachable
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts
from clinical_ner.rollout.runner import LEASE_SECONDS, Runner, all_ended, run
from clinical_ner.rollout.store import StoredRollouts

REFRESH_SECONDS = 1.0


def carry_out(service: Service, interval_seconds: float, name: str | None = None) -> list[Stored]:
    """Advance all rollouts of a local service until each has ended, or the one of this ``name``; a line for each change.

    Returns them, the oldest first.
    """
    opened, rollouts = open_target(service.target), StoredRollouts(service.storage, service.model)
    registry, owner = Registry(service.storage), f"{socket.gethostname()} {os.getpid()}"
    runner = Runner(rollouts, opened.target, opened.source, registry, service.model, on_change=_show)
    lock = StoredLock(service.storage, rollouts.lock_key, owner, lease_seconds=LEASE_SECONDS)

    def done(known: list[Stored]) -> bool:
        return all_ended([each for each in known if name in {None, each.spec.name}])

    return run(runner, lock, sleep=time.sleep, interval_seconds=interval_seconds, until=done)


def wait_for_end(rollouts: Rollouts, name: str) -> Stored:
    """A rollout when somebody else has carried it out, a line for each change; an API server that is away is waited for."""
    before = rollouts.read(name)
    while not before.status.ended:
        time.sleep(REFRESH_SECONDS / 4)
        with suppress(ClusterUnreachable):
            after = rollouts.read(name)
            _show(before, after)
            before = after
    return before


def watch(rollouts: Rollouts, console: Console, *, once: bool) -> None:
    """A live table until all rollouts have ended."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            known = rollouts.all()
            live.update(rollouts_table(known, utc_now()), refresh=True)
            if once or all_ended(known):
                return
            time.sleep(REFRESH_SECONDS)


def _show(before: Stored, after: Stored) -> None:
    if (before.status.phase, before.status.step) != (after.status.phase, after.status.step):
        now = utc_now()
        typer.echo(f"{now:%H:%M:%S} {rollout_line(after, now)}")
