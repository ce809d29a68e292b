"""A rollout as its callers saw it: who answered when, what each step showed, and how it ended. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Check, Event, Phase, StepRecord

WIDTH, HEIGHT = 1000.0, 160.0
"""Of the drawing, without its labels, in its own units."""
SLICES = 100
_TONES = {Phase.SUCCEEDED: "fine", Phase.ROLLED_BACK: "warning"}
_MARKED = {Phase.STARTING: "loaded", Phase.PROMOTING: "promoted", Phase.ROLLING_BACK: "rolled back"}
LABEL_WIDTH = 130.0
"""Of two labels side by side, of which the one at the right edge is written leftwards."""


class Call(NamedTuple):
    """One answered or failed call; ``ended`` in seconds since 1970, ``version`` empty when it failed."""

    ended: float
    version: str


class Bar(NamedTuple):
    """The new version's share of the calls in one slice of time; ``failed`` are the slice's failed calls."""

    x: float
    width: float
    height: float
    calls: int
    share: float
    failed: int


class Mark(NamedTuple):
    """A moment of the rollout; ``row`` 1 when the label of the mark before would be in its way."""

    x: float
    text: str
    row: int


@dataclass(frozen=True, slots=True)
class RolloutStory:
    """One rollout; ``seconds`` is what the drawing's width stands for."""

    version: str
    stable: str
    outcome: str
    tone: str
    reason: str
    calls: int
    failed: int
    answered: int
    """Calls that the new version answered."""
    seconds: float
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    steps: Sequence[StepRecord]
    failing: Sequence[Check]
    """Checks that ended it; empty when none did."""


def tell_rollout(stored: Stored, calls: Sequence[Call]) -> RolloutStory:
    """The story of a rollout that has ended; ``calls`` are all that were made meanwhile, at least one."""
    status, version = stored.status, stored.spec.version
    begin, end = min(call.ended for call in calls), max(call.ended for call in calls)
    seconds = max(end - begin, 1e-3)
    analysis = status.hold.analysis if status.hold else None
    checks = analysis.checks if analysis else ()
    return RolloutStory(
        version=version,
        stable=status.stable_version,
        outcome=str(status.phase),
        tone=_TONES.get(status.phase, "problem"),
        reason=status.reason,
        calls=len(calls),
        failed=sum(not call.version for call in calls),
        answered=sum(call.version == version for call in calls),
        seconds=seconds,
        bars=list(_bars(calls, version, begin, seconds)),
        marks=list(_marks(stored, begin, seconds)),
        steps=status.steps,
        failing=[check for check in checks if check.verdict == "fail"],
    )


def _bars(calls: Sequence[Call], version: str, begin: float, seconds: float) -> Iterator[Bar]:
    slices: list[Counter[str]] = [Counter() for _ in range(SLICES)]
    for call in calls:
        slices[min(int((call.ended - begin) / seconds * SLICES), SLICES - 1)][call.version] += 1
    width = WIDTH / SLICES
    for index, counts in enumerate(slices):
        if total := counts.total():
            share = counts[version] / total
            yield Bar(index * width, width, HEIGHT * share, total, share, counts[""])


def _marks(stored: Stored, begin: float, seconds: float) -> Iterator[Mark]:
    last, row = -WIDTH, 0
    for event in stored.status.events:
        text = _label(stored, event)
        x = (event.time.timestamp() - begin) / seconds * WIDTH
        if text and 0 <= x <= WIDTH:
            row = 1 - row if x - last < LABEL_WIDTH else 0
            last = x
            yield Mark(x, text, row)


def _label(stored: Stored, event: Event) -> str:
    if event.phase is Phase.HOLDING:
        return f"{stored.spec.plan.steps[event.step].percent} %"
    return _MARKED.get(event.phase, "")
