"""The gateway: callers whose calls go by the weights that have reached it, to pods that it believes ready."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from tests.doubles.kserve.pods import Kubelet
from tests.doubles.kserve.timing import Timing


class Backend(NamedTuple):
    """Where a route sends a part of its calls; ``labels`` are those of the pods behind."""

    name: str
    weight: int
    labels: Mapping[str, str]


class Failure(NamedTuple):
    """``at`` in seconds since the callers began."""

    at: float
    why: str


@dataclass
class Gateway:
    """Knows routes as they were some time ago, and pods as they were a moment ago."""

    timing: Timing
    kubelet: Kubelet
    _routes: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    _labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _living: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    @property
    def settled(self) -> bool:
        """Whether it carries the last route that it has heard of."""
        return len(self._routes) == 1

    def learn(self, backends: list[Backend], living: set[str], now: float) -> None:
        """Hear of a route, whose weights count after the propagation; and of the backends there are, which counts at once."""
        self._living = living
        if not backends:
            return
        self._labels = {**self._labels, **{each.name: each.labels for each in backends}}
        weights = {each.name: each.weight for each in backends}
        if not self._routes or self._routes[-1][1] != weights:
            self._routes.append((now, weights))
        carried = [number for number, (at, _) in enumerate(self._routes) if now - at >= self.timing.propagation]
        self._routes = self._routes[max(carried, default=0) :]

    def forget(self) -> None:
        """The route is gone."""
        self._routes = []

    def weights(self, now: float) -> dict[str, int]:
        """Those by which calls are divided."""
        carried: dict[str, int] = {}
        for at, weights in list(self._routes):
            if now - at >= self.timing.propagation or not carried:
                carried = weights
        return carried

    def call(self, now: float) -> tuple[str, str]:
        """Version and reason of failure of one call; one of them is empty."""
        weights = {name: weight for name, weight in self.weights(now).items() if weight > 0}
        if not weights:
            return "", "no route"
        name = self.chance.choices(list(weights), list(weights.values()))[0]
        if name not in self._living:
            return "", f"{name}: no such backend"
        labels = self._labels[name]
        with self.kubelet.lock:
            found = [
                each
                for each in list(self.kubelet.processes.values())
                if labels.items() <= each.labels.items() and each.is_endpoint(now, self.timing.endpoints)
            ]
            if not found:
                return "", f"{name}: no ready pod"
            chosen = self.chance.choice(found)
            answers = chosen.answers(now, self.timing.pod_end)
        return (chosen.version, "") if answers else ("", f"{chosen.name}: connection refused")


class Callers:
    """Steady calls while the block runs."""

    def __init__(self, call: Callable[[float], tuple[str, str]], pause_seconds: float = 0.004) -> None:
        self._call, self._pause_seconds = call, pause_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._answers: Counter[str] = Counter()
        self.failures: list[Failure] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def versions(self) -> Counter[str]:
        """How many calls each version answered."""
        return Counter(self._answers)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopped.wait(self._pause_seconds):
            now = time.monotonic()
            version, why = self._call(now)
            if why:
                self.failures.append(Failure(now - began, why))
            else:
                self._answers[version] += 1
