"""What one version has counted so far, and what was added between two readings.

The fields are ``serving/metrics.py``'s series. A reading keeps the processes apart: a sum over processes falls when one of them
goes, and nobody could tell that from a restart.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple

from clinical_ner.rollout.written import Written


class Histogram(Written):
    """Observations by bucket; ``counts[i]`` are those above ``bounds[i - 1]`` and at most ``bounds[i]``, the last the rest."""

    bounds: tuple[float, ...] = ()
    """Upper ends in ascending order, without infinity."""
    counts: tuple[float, ...] = ()
    """One more than bounds; empty before the first observation."""

    @property
    def total(self) -> float:
        return sum(self.counts)

    def above(self, index: int) -> float:
        """Observations above ``bounds[index]``."""
        return sum(self.counts[index + 1 :])


class Moments(Written):
    """Sums over requests of squares and products, from which the spread of a ratio follows.

    Requests are what a router divides, so they are the independent units: the entities of one note, and the notes of one
    request, belong together.
    """

    squared: float = 0.0
    """Of the numerator's square."""
    product: float = 0.0
    """Of numerator times denominator."""
    base_squared: float = 0.0
    """Of the denominator's square."""


class Counts(Written):
    """What was counted, by one process or by several together."""

    requests: float = 0.0
    errors: float = 0.0
    """Of the requests, those that failed for no fault of the caller (5xx; gRPC's UNKNOWN, INTERNAL, UNAVAILABLE, ...)."""
    refused: float = 0.0
    """Of the requests, those answered that they are wrong (4xx; INVALID_ARGUMENT, NOT_FOUND, ...)."""
    latency: Histogram = Histogram()
    """Seconds from a request's arrival to its reply."""
    notes: float = 0.0
    tokens: float = 0.0
    entities: Mapping[str, float] = {}
    """By label."""
    entity_moments: Mapping[str, Moments] = {}
    """By label: entities over tokens."""
    scores: float = 0.0
    """Sum of all entities' scores."""
    score_moments: Moments = Moments()
    """Scores over entities."""


class Calls(Written):
    """Calls as those who made them saw them: counted by the gateway or the split."""

    calls: float = 0.0
    failed: float = 0.0


class Sample(Written):
    """What one version showed in some time."""

    counts: Counts = Counts()
    calls: Calls | None = None
    """None when no gateway is asked; one that was asked and knew of none has counted none."""


class Counters(Written):
    """A reading of one version: cumulative since each process began."""

    processes: Mapping[str, Counts] = {}
    """By the process's name as the source knows it (an address, a pod); empty when none answers for the version."""
    callers: Mapping[str, Calls] | None = None
    """By gateway; None when the source has none, empty when it has and knows no calls of the version."""
    digests: frozenset[str] = frozenset()
    """The digests under which the version's processes say they serve it."""
    started: Mapping[str, float] = {}
    """When each process began, in seconds since 1970, where it is known."""
    read_at: float = 0.0
    """When it was read, in seconds since 1970; of several readings merged, the first; 0 when unknown."""


class Increase(NamedTuple):
    """What was added between two readings."""

    counts: Counts
    calls: Calls | None
    """None when no gateway was asked."""
    restarted: tuple[str, ...]
    """Processes that began anew in between: a count fell, or their start is another."""


MAX_GONE = 50
"""Processes that are kept though they do not answer any more: a status has its limits, and pods come and go for a day."""

_START_SECONDS = 2.0  # a start that was computed from an uptime wavers by the time of a scrape

NOTHING = Increase(Counts(), None, ())


def add(parts: Iterable[Counts]) -> Counts:
    """The sum; the sum of none is all zero."""
    return reduce(lambda one, other: _combine(one, other, 1.0), parts, Counts())


def difference(later: Counters, earlier: Counters) -> Increase:
    """What was added from ``earlier`` to ``later``.

    Whatever a process has that began in between is added whole. One that was there before and missing from ``earlier`` (a
    scrape failed, a pod was not ready) adds nothing yet: what it has is of a time before.
    """
    anew = [name for name in later.processes if name in earlier.processes and _began_anew(name, later, earlier)]
    restarted = tuple(name for name in anew if not (name in later.started and name not in earlier.started))
    before = {name: counts for name, counts in _missed(later, earlier).items() if name not in restarted}
    before |= {name: counts for name, counts in earlier.processes.items() if name not in anew}
    grown = [_combine(counts, before.get(name, Counts()), -1.0) for name, counts in later.processes.items()]
    calls = None if later.callers is None else _calls_between(later.callers, earlier.callers or {})
    return Increase(add(grown), calls, restarted)


def merge(later: Counters, earlier: Counters) -> Counters:
    """The reading to count on from: the later one, with what the earlier one had of those that are missing from it.

    Their starts are left out: what comes back under such a name may be another process (a pod's address is given again), which
    is no restart.
    """
    gone = [name for name in earlier.processes if name not in later.processes][-MAX_GONE:]
    return Counters(
        processes={**{name: earlier.processes[name] for name in gone}, **later.processes},
        callers=earlier.callers if later.callers is None else {**(earlier.callers or {}), **later.callers},
        digests=later.digests,
        started=later.started,
        read_at=earlier.read_at,
    )


def _missed(later: Counters, earlier: Counters) -> dict[str, Counts]:
    """Processes that were there when ``earlier`` was read; those of whom no start is known are taken for new ones."""
    return {name: later.processes[name] for name, began in later.started.items() if began < earlier.read_at}


def _began_anew(name: str, later: Counters, earlier: Counters) -> bool:
    before, after = earlier.started.get(name), later.started.get(name)
    if before is not None and after is not None and abs(after - before) > _START_SECONDS:
        return True
    return _fell(later.processes[name], earlier.processes[name])


def _fell(later: Counts, earlier: Counts) -> bool:
    """One count that only grows is smaller; those of labels are compared too, since a process may be idle otherwise."""
    pairs = [(later.requests, earlier.requests), (later.notes, earlier.notes), (later.tokens, earlier.tokens)]
    pairs += [(later.entities.get(label, 0.0), count) for label, count in earlier.entities.items()]
    return any(after < before for after, before in pairs)


def _calls_between(later: Mapping[str, Calls], earlier: Mapping[str, Calls]) -> Calls:
    """One that is seen for the first time adds nothing yet: nobody knows since when it counts."""
    calls = failed = 0.0
    for gateway, after in later.items():
        before = earlier.get(gateway, after)
        if after.calls < before.calls or after.failed < before.failed:
            before = Calls()
        calls, failed = calls + after.calls - before.calls, failed + after.failed - before.failed
    return Calls(calls=calls, failed=failed)


def _combine(one: Counts, other: Counts, sign: float) -> Counts:
    """``one + sign * other``, field by field."""
    return Counts(
        requests=one.requests + sign * other.requests,
        errors=one.errors + sign * other.errors,
        refused=one.refused + sign * other.refused,
        latency=_combine_histograms(one.latency, other.latency, sign),
        notes=one.notes + sign * other.notes,
        tokens=one.tokens + sign * other.tokens,
        entities={
            label: one.entities.get(label, 0.0) + sign * other.entities.get(label, 0.0)
            for label in sorted({*one.entities, *other.entities})
        },
        entity_moments={
            label: _combine_moments(one.entity_moments.get(label, Moments()), other.entity_moments.get(label, Moments()), sign)
            for label in sorted({*one.entity_moments, *other.entity_moments})
        },
        scores=one.scores + sign * other.scores,
        score_moments=_combine_moments(one.score_moments, other.score_moments, sign),
    )


def _combine_moments(one: Moments, other: Moments, sign: float) -> Moments:
    return Moments(
        squared=one.squared + sign * other.squared,
        product=one.product + sign * other.product,
        base_squared=one.base_squared + sign * other.base_squared,
    )


def _combine_histograms(one: Histogram, other: Histogram, sign: float) -> Histogram:
    """Versions of the server with other buckets cannot be added: the one with more observations stays."""
    if not other.counts:
        return one
    if not one.counts:
        return Histogram(bounds=other.bounds, counts=tuple(sign * count for count in other.counts))
    if one.bounds != other.bounds:
        return max(one, other, key=lambda each: each.total)
    return Histogram(
        bounds=one.bounds, counts=tuple(left + sign * right for left, right in zip(one.counts, other.counts, strict=True))
    )
