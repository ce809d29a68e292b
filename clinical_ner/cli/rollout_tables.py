"""Rollouts as tables, lines and records."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase, RolloutStatus

_COLOURS = {
    Phase.SUCCEEDED: "green",
    Phase.ROLLED_BACK: "red",
    Phase.ROLLING_BACK: "red",
    Phase.FAILED: "bold red",
    Phase.WAITING_APPROVAL: "yellow",
}
_UNKNOWN = "?"


def rollouts_table(rollouts: Sequence[Stored], now: datetime) -> Table:
    """One row a rollout, the oldest first."""
    names = (Column(name, no_wrap=True) for name in ("rollout", "version", "phase", "step", "traffic"))
    table = Table(*names, Column("held", justify="right"), Column("requests", justify="right"), "verdict", "age", "reason")
    for stored in rollouts:
        name, version, phase, *cells, reason = _cells(stored, now)
        table.add_row(name, version, Text(phase, _COLOURS.get(stored.status.phase, "")), *cells, Text(reason))
    return table


def rollout_line(stored: Stored, now: datetime) -> str:
    """The same on one line, for what is no terminal."""
    name, version, phase, step, traffic, held, requests, verdict, age, reason = _cells(stored, now)
    parts = [f"{name}: {version} {phase}", f"step {step}", f"traffic {traffic}", f"held {held}", f"{requests} requests"]
    return ", ".join([*parts, f"verdict {verdict}", f"age {age}"]) + f": {reason}"


def rollout_record(stored: Stored) -> dict[str, Any]:
    """All that is written down of a rollout, as JSON."""
    parts = {"spec": stored.spec, "status": stored.status, "requests": stored.requests}
    return {name: part.model_dump(mode="json") for name, part in parts.items()}


def plan_table(plan: RolloutPlan) -> Table:
    """The steps of a plan."""
    table = Table("step", *(Column(name, justify="right") for name in ("traffic", "hold", "requests of the new version")))
    for number, step in enumerate(plan.steps, 1):
        table.add_row(str(number), f"{step.percent} %", _time(step.hold_seconds), f"{step.min_requests:,}")
    return table


def plan_limits(plan: RolloutPlan) -> list[str]:
    """What else a plan says, a sentence each."""
    approvals = {
        "none": "Nobody is asked.",
        "before-start": "A person approves the start.",
        "before-100": "A person approves 100 %.",
    }
    return [
        f"A wait for readiness or a weight ends after {_time(plan.ready_seconds)}: then everything goes back.",
        f"So does one for a verdict after {_time(plan.inconclusive_seconds)} beyond the hold.",
        approvals[plan.approval],
        f"Another rollout under way: {'it is waited for' if plan.when_busy == 'wait' else 'this one takes its place'}.",
    ]


def _cells(stored: Stored, now: datetime) -> tuple[str, ...]:
    spec, status = stored.spec, stored.status
    hold = status.hold
    why = status.reason if status.ended or not status.waits_for else f"waits for {status.waits_for}"
    return (
        spec.name,
        spec.version,
        str(status.phase),
        f"{min(status.step + 1, len(spec.plan.steps))}/{len(spec.plan.steps)}",
        _traffic(spec.version, status),
        _time(hold.held_seconds) if hold else "-",
        f"{hold.canary.sample.counts.requests:,.0f}" if hold else "-",
        _verdict(status),
        _time((now - spec.created) / timedelta(seconds=1)),
        why,
    )


def _traffic(version: str, status: RolloutStatus) -> str:
    if status.phase is Phase.SUCCEEDED:
        return f"{version} 100 %"
    share = _UNKNOWN if status.percent is None else f"{status.percent} %"
    return f"{version} {share}"


def _verdict(status: RolloutStatus) -> str:
    """Of the step under way, or of the last one that was judged."""
    if status.hold and status.hold.analysis:
        return status.hold.analysis.verdict
    if status.hold or not status.steps:
        return "-"
    return status.steps[-1].analysis.verdict


def _time(seconds: float) -> str:
    """Seconds in the two largest units that people use."""
    whole = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= 2 * size:
            return f"{whole / size:.0f} {unit}"
    return f"{whole} s"
