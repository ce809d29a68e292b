"""What a hold collects: time, and counts added up from reading to reading. Pure."""

from typing import NamedTuple

from clinical_ner.rollout.counting.counters import Calls, Counters, Sample, add, difference, merge
from clinical_ner.rollout.status import Evidence, Hold

MAX_GAP_SECONDS = 60.0
"""Of the time between two looks at most this much counts as held: what happened in a longer absence nobody saw."""


class Growth(NamedTuple):
    """A hold after a reading, and whose processes began anew since the one before."""

    hold: Hold
    canary_restarted: tuple[str, ...]
    stable_restarted: tuple[str, ...]


def begin(canary: Counters | None, stable: Counters | None) -> Hold:
    """A hold that counts from these readings on."""
    return Hold(canary=_from(canary), stable=_from(stable))


def again(hold: Hold, canary: Counters | None, stable: Counters | None) -> Hold:
    """The hold from its beginning, for what it has is worth nothing any more; its looks have cost their confidence."""
    kept = {"spent_seconds": hold.spent_seconds, "restarts": hold.restarts + 1}
    kept |= {"looks": hold.looks, "full_looks": hold.full_looks}
    return begin(canary, stable).model_copy(update=kept)


def grow(hold: Hold, canary: Counters | None, stable: Counters | None) -> Growth:
    """The hold with what was counted since the readings before; an unknown reading adds nothing, and the next catches up."""
    own, own_restarts = _add(hold.canary, canary)
    other, other_restarts = _add(hold.stable, stable)
    return Growth(hold.model_copy(update={"canary": own, "stable": other}), own_restarts, other_restarts)


def _from(reading: Counters | None) -> Evidence:
    """Before its first process is known, a version has no reading to count from."""
    return Evidence(last=reading if reading and reading.processes else None)


def _add(evidence: Evidence, reading: Counters | None) -> tuple[Evidence, tuple[str, ...]]:
    if reading is None or not reading.processes:
        return evidence, ()
    if evidence.last is None:
        return Evidence(last=reading), ()
    added = difference(reading, evidence.last)
    before, calls = evidence.sample, evidence.sample.calls
    if added.calls:
        calls = calls or Calls()
        calls = Calls(calls=calls.calls + added.calls.calls, failed=calls.failed + added.calls.failed)
    sample = Sample(counts=add((before.counts, added.counts)), calls=calls)
    return Evidence(sample=sample, last=merge(reading, evidence.last)), added.restarted
