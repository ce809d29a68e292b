"""Counters as a server would show them, of notes that are all alike."""

from dataclasses import dataclass, field

from clinical_ner.rollout.counting.counters import Calls, Counters, Counts, Histogram, Moments

BOUNDS = (0.005, 0.01, 0.02, 0.04)
TOKENS, ENTITIES, SCORE = 100, 5, 0.9


@dataclass
class Server:
    """One process of a version."""

    digest: str
    requests: int = 0
    errors: int = 0
    began: float = 1.0

    def answer(self, requests, errors=0):
        self.requests += requests
        self.errors += errors

    def restart(self):
        self.requests = self.errors = 0
        self.began += 1000

    def counters(self):
        return Counters(
            processes={"pod": counts(self.requests, self.errors)},
            digests=frozenset({self.digest}),
            started={"pod": self.began},
        )


def counts(requests, errors=0, *, entities=ENTITIES, score=SCORE, slow=0):
    """What ``requests`` notes of 100 tokens leave behind; ``slow`` of them took the third bucket, the others the second."""
    found = requests * entities
    return Counts(
        requests=requests,
        errors=errors,
        latency=Histogram(bounds=BOUNDS, counts=(0, requests - slow, 0, slow, 0)),
        notes=requests,
        tokens=requests * TOKENS,
        entities={"DISEASE": found},
        entity_moments={"DISEASE": moments(requests, entities, TOKENS)},
        scores=found * score,
        score_moments=moments(requests, entities * score, entities),
    )


def moments(requests, numerator, base):
    return Moments(squared=requests * numerator**2, product=requests * numerator * base, base_squared=requests * base**2)


@dataclass
class Source:
    """Servers by version; those of the versions in ``failing`` cannot be read. ``callers`` is what a gateway knows of each."""

    servers: dict = field(default_factory=dict)
    failing: frozenset = frozenset()
    callers: dict | None = None

    def read(self, version):
        from clinical_ner.errors import MetricsUnavailable

        if version in self.failing:
            raise MetricsUnavailable("no scrape answers")
        found = self.servers[version].counters() if version in self.servers else Counters()
        return found.model_copy(update={"callers": self.callers})


def calls(total, failed=0):
    return {"gateway": Calls(calls=total, failed=failed)}
