"""A service that is found when it is first asked for: a controller may be there before it, or before the API server answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.counting.sources import MetricsSource
from clinical_ner.rollout.targets import ModelReference, Observation, Target


class Opened(Protocol):
    """A service that was found, and what its versions have counted."""

    @property
    def target(self) -> Target: ...
    @property
    def source(self) -> MetricsSource: ...


@dataclass(slots=True)
class LateService:
    """A :class:`Target` and a :class:`MetricsSource`; each question raises what ``open`` does until it has once succeeded.

    Before each start it has to succeed again: what has come to stand in the way meanwhile must not be in the way back.
    """

    open: Callable[[], Opened]
    _found: Opened | None = field(default=None, init=False)

    def observe(self) -> Observation:
        return self._opened().target.observe()

    def start(self, canary: ModelReference, seen: Observation) -> None:
        found = self._opened()
        self.open()
        found.target.start(canary, seen)

    def set_percent(self, percent: int, seen: Observation) -> None:
        self._opened().target.set_percent(percent, seen)

    def promote(self, seen: Observation) -> None:
        self._opened().target.promote(seen)

    def abort(self, seen: Observation) -> None:
        self._opened().target.abort(seen)

    def read(self, version: str) -> Counters:
        return self._opened().source.read(version)

    def _opened(self) -> Opened:
        if self._found is None:
            self._found = self.open()
        return self._found
