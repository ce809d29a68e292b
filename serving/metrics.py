"""What the server counts; every series carries the served ``model_version``."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.tagging import NoteAnnotation

_TENTHS_OF_A_DECADE = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
LATENCY_BUCKETS = tuple(
    float(f"{number}e{decade}")
    for decade in (-4, -3, -2, -1, 0, 1)
    for number in _TENTHS_OF_A_DECADE
    if 0.0005 <= float(f"{number}e{decade}") <= 10.0
)
"""Preferred numbers (ISO 3, R10), in seconds: with steps of a quarter a canary that is twice as slow shows, and the double of
each bound is one too."""
SHARE_BUCKETS = tuple(number / 20 for number in range(21))


class ServingMetrics:
    """The server's series in ``registry``; label values come from the model and the protocol, never from a request."""

    def __init__(self, registry: CollectorRegistry) -> None:
        version = ["model_version"]
        self._info = Gauge(
            "clinical_ner_model_info",
            "1 for the model being served.",
            ["model_name", "model_version", "digest"],
            registry=registry,
        )
        self._requests = Counter(
            "clinical_ner_requests",
            "Inference requests by protocol (v1-rest, v2-rest, v2-grpc) and status.",
            [*version, "protocol", "status"],
            registry=registry,
        )
        self._latency = Histogram(
            "clinical_ner_request_seconds",
            "From a request's arrival to its reply.",
            [*version, "protocol"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._notes = Counter("clinical_ner_notes", "Notes tagged.", version, registry=registry)
        self._tokens = Counter("clinical_ner_tokens", "Tokens in the notes tagged.", version, registry=registry)
        self._entities = Counter("clinical_ner_entities", "Entities found.", [*version, "label"], registry=registry)
        self._unknown = Histogram(
            "clinical_ner_unknown_token_ratio",
            "A note's share of tokens that the training notes did not hold.",
            version,
            buckets=SHARE_BUCKETS,
            registry=registry,
        )
        self._scores = Histogram(
            "clinical_ner_entity_score", "Scores of entities.", version, buckets=SHARE_BUCKETS, registry=registry
        )
        self._squares = _squares(registry)
        self._known_squares: dict[tuple[str, str], Counter] = {}
        self.version = ""

    def adopt(self, name: str, version: str, digest: str) -> None:
        """From now on requests are counted as answered by this model."""
        self.version = version
        self._known_squares.clear()
        self._info.labels(name, version, digest).set(1)

    def count_request(self, protocol: str, status: str, seconds: float) -> None:
        """Count one request when it ends; ``status`` is the HTTP code or the name of the gRPC status."""
        self._requests.labels(self.version, protocol, status).inc()
        self._latency.labels(self.version, protocol).observe(seconds)

    def count_notes(self, annotations: Sequence[NoteAnnotation]) -> None:
        """Count what the model found, before any ``min_score`` of the request."""
        unknown, scores = self._unknown.labels(self.version), self._scores.labels(self.version)
        found: dict[str, int] = {}
        total_score = 0.0
        for annotation in annotations:
            if annotation.token_count:
                unknown.observe(annotation.unknown_count / annotation.token_count)
            for entity in annotation.entities:
                found[entity.label] = found.get(entity.label, 0) + 1
                total_score += entity.score
                scores.observe(entity.score)
        tokens = sum(annotation.token_count for annotation in annotations)
        self._notes.labels(self.version).inc(len(annotations))
        self._tokens.labels(self.version).inc(tokens)
        for label, count in found.items():
            self._entities.labels(self.version, label).inc(count)
        self._count_squares(tokens, found, total_score)

    def _count_squares(self, tokens: int, found: Mapping[str, int], score: float) -> None:
        """A request is one unit of a router's draw; the entities in it are not."""
        self._add_square("tokens*tokens", "", tokens * tokens)
        for label, count in found.items():
            self._add_square("entities*entities", label, count * count)
            self._add_square("entities*tokens", label, count * tokens)
        total = sum(found.values())
        if total:
            self._add_square("scores*scores", "", score * score)
            self._add_square("scores*entities", "", score * total)
            self._add_square("entities*entities", "", total * total)

    def _add_square(self, of: str, label: str, amount: float) -> None:
        """``labels`` takes longer than ``inc``, and these are the same for every request."""
        series = self._known_squares.get((of, label))
        if series is None:
            series = self._known_squares[of, label] = self._squares.labels(self.version, of, label)
        series.inc(amount)


def _squares(registry: CollectorRegistry) -> Counter:
    return Counter(
        "clinical_ner_request_squares",
        "Sums over requests of products of two of their totals (tokens, entities by label or of all labels, scores), from "
        "which the spread of a ratio follows.",
        ["model_version", "of", "label"],
        registry=registry,
    )
