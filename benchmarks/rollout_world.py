"""A service with users, on a simulated clock: requests of several notes that vary as real ones do.

Spread beyond chance comes from three sources: a note's length (log-normal), how much it finds per token (gamma, per note and,
shared by the notes of a request, per site), and the hour of the day, which changes load and mix for both versions alike.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from clinical_ner.rollout.counting.counters import Counters, Counts, Histogram, Moments, add
from clinical_ner.rollout.machine.facts import Standing
from clinical_ner.rollout.status import Instant
from clinical_ner.rollout.targets import Backend, ModelReference, Observation
from clinical_ner.version_states import State
from serving.metrics import LATENCY_BUCKETS

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LABELS = ("DISEASE", "TREATMENT")
PER_TOKEN = {"DISEASE": 0.045, "TREATMENT": 0.03}
OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64
REQUESTS_PER_SECOND = 20.0
COLD_REQUESTS = 20


@dataclass(frozen=True)
class Model:
    """How a version differs from the old one, as factors; ``errors`` is a share."""

    slower: float = 1.0
    errors: float = 0.0005
    entities: dict[str, float] = field(default_factory=dict)
    scores: float = 1.0


class Process:
    """One version's server: it answers requests and counts them as ``serving/metrics.py`` does."""

    def __init__(self, model: Model, generator: np.random.Generator) -> None:
        self.model, self.generator = model, generator
        self.counts = Counts(latency=Histogram(bounds=LATENCY_BUCKETS, counts=(0,) * (len(LATENCY_BUCKETS) + 1)))
        self.answered = 0

    def answer(self, requests: int, hour: float) -> None:
        """Answer so many requests at this hour of the day."""
        if not requests:
            return
        draw, day = self.generator, 1 + 0.2 * np.sin(2 * np.pi * hour / 24)
        notes = 1 + draw.binomial(3, 0.1, requests)
        of = np.repeat(np.arange(requests), notes)
        lengths = np.maximum(draw.lognormal(np.log(60 * day), 0.6, len(of)), 3).astype(int)
        tokens = np.bincount(of, lengths, requests)
        site, note = draw.gamma(8, 1 / 8, requests)[of], draw.gamma(4, 1 / 4, len(of))
        failed = draw.random(requests) < self.model.errors
        found = {
            label: np.bincount(of, draw.poisson(lengths * rate * self.model.entities.get(label, 1.0) * site * note), requests)
            for label, rate in PER_TOKEN.items()
        }
        seconds = 0.003 * day * (tokens / 60) ** 0.7 * draw.lognormal(0, 0.35, requests) * self.model.slower
        seconds[draw.random(requests) < 0.01] *= 8
        seconds[: max(COLD_REQUESTS - self.answered, 0)] *= 5
        self.answered += requests
        self.counts = add((self.counts, _count(requests, failed, notes, tokens, found, seconds, self._scores(found))))

    def _scores(self, found: dict[str, np.ndarray]) -> np.ndarray:
        """Sum of scores by request; what is hard in a note is hard for all its entities."""
        total = np.sum(list(found.values()), axis=0)
        mean = np.clip(self.generator.beta(9, 1.6, len(total)) * self.model.scores, 0, 1)
        return total * mean + self.generator.normal(0, 0.1, len(total)) * np.sqrt(total)


def _count(requests, failed, notes, tokens, found, seconds, scores) -> Counts:
    good = ~failed
    tokens, scores = tokens * good, scores * good
    found = {label: counts * good for label, counts in found.items()}
    total = np.sum(list(found.values()), axis=0)
    places = np.searchsorted(LATENCY_BUCKETS, seconds, side="left")
    return Counts(
        requests=requests,
        errors=int(failed.sum()),
        latency=Histogram(
            bounds=LATENCY_BUCKETS, counts=tuple(np.bincount(places, minlength=len(LATENCY_BUCKETS) + 1).tolist())
        ),
        notes=int((notes * good).sum()),
        tokens=float(tokens.sum()),
        entities={label: float(counts.sum()) for label, counts in found.items()},
        entity_moments={label: _moments(counts, tokens) for label, counts in found.items()},
        scores=float(scores.sum()),
        score_moments=_moments(scores, total),
    )


def _moments(numerator: np.ndarray, base: np.ndarray) -> Moments:
    return Moments(squared=float(numerator @ numerator), product=float(numerator @ base), base_squared=float(base @ base))


class World:
    """Target, metrics, registry and clock of one trial; all that is asked for is so at the next look."""

    def __init__(self, canary: Model, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.generator, self.seconds = generator, 0.0
        self.live, self.percent, self.model = "v1", None, canary
        self.stable, self.withdrawn = ("v1", OLD), False
        self.hour = generator.uniform(0, 24)
        self.processes = {"v1": Process(Model(), generator)}

    def now(self) -> Instant:
        return Instant(time=START + timedelta(seconds=self.seconds), ticks=self.seconds, counter="simulated")

    def pass_time(self, seconds: float) -> None:
        """Users go on asking meanwhile; the router draws a version for each request."""
        self.seconds += seconds
        hour = self.hour + self.seconds / 3600
        requests = self.generator.poisson(REQUESTS_PER_SECOND * seconds)
        share = (self.percent or 0) / 100
        canary = self.generator.binomial(requests, share)
        if "v2" in self.processes:
            self.processes["v2"].answer(canary, hour)
        if self.stable[0] == "v1":
            self.processes["v1"].answer(requests - canary, hour)

    def read(self, version: str) -> Counters | None:
        process = self.processes.get(version)
        digest = {"v1": OLD, "v2": NEW}[version]
        return Counters(processes={version: process.counts} if process else {}, digests=frozenset({digest}))

    def standing(self) -> Standing:
        state = State.ROLLED_BACK if self.withdrawn else State.LIVE if self.live == "v2" else State.APPROVED
        return Standing(state=state, digest=NEW, live=self.live)

    def observe(self) -> Observation:
        canary = Backend("v2", NEW, ready=True) if self.percent is not None else None
        return Observation(Backend(*self.stable, ready=True), canary, percent=self.percent or 0, asked=self.percent)

    def start(self, canary: ModelReference, _seen: Observation) -> None:
        self.percent = 0
        self.processes[canary.version] = Process(self.model, self.generator)

    def set_percent(self, percent: int, _seen: Observation) -> None:
        self.percent = percent

    def promote(self, _seen: Observation) -> None:
        self.stable, self.percent = ("v2", NEW), None

    def abort(self, _seen: Observation) -> None:
        self.percent = None
        self.processes.pop("v2", None)
