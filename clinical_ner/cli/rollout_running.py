"""Carrying rollouts out from the command line, and watching them."""

import os
import socket
import time

import typer
from rich.console import Console
from rich.live import Live

from clinical_ner.cli.rollout_tables import rollout_line, rollouts_table
from clinical_ner.cli.rollout_targets import open_target
from clinical_ner.clock import utc_now
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.runner import LEASE_SECONDS, Runner, all_ended, run
from clinical_ner.rollout.store import StoredRollouts

REFRESH_SECONDS = 1.0


def carry_out(rollouts: StoredRollouts, target: str, interval_seconds: float) -> list[Stored]:
    """Advance all rollouts of a model until each has ended, a line for each change; returns them, the oldest first."""
    opened, name = open_target(target), rollouts.folder.rpartition("/")[2]
    registry, owner = Registry(rollouts.storage), f"{socket.gethostname()} {os.getpid()}"
    runner = Runner(rollouts, opened.target, opened.source, registry, name, on_change=_show)
    lock = StoredLock(rollouts.storage, rollouts.lock_key, owner, lease_seconds=LEASE_SECONDS)
    return run(runner, lock, sleep=time.sleep, interval_seconds=interval_seconds)


def watch(rollouts: StoredRollouts, console: Console, *, once: bool) -> None:
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
