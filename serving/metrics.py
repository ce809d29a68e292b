"""What the server counts; every series carries the served ``model_version``."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.tagging import NoteAnnotation

LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
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
        self.version = ""

    def adopt(self, name: str, version: str, digest: str) -> None:
        """From now on requests are counted as answered by this model."""
        self.version = version
        self._info.labels(name, version, digest).set(1)

    def count_request(self, protocol: str, status: str, seconds: float) -> None:
        """Count one answered request; ``status`` is the HTTP code or the name of the gRPC status."""
        self._requests.labels(self.version, protocol, status).inc()
        self._latency.labels(self.version, protocol).observe(seconds)

    def count_notes(self, annotations: Sequence[NoteAnnotation]) -> None:
        """Count what the model found, before any ``min_score`` of the request."""
        unknown, scores = self._unknown.labels(self.version), self._scores.labels(self.version)
        for annotation in annotations:
            if annotation.token_count:
                unknown.observe(annotation.unknown_count / annotation.token_count)
            for entity in annotation.entities:
                self._entities.labels(self.version, entity.label).inc()
                scores.observe(entity.score)
        self._notes.labels(self.version).inc(len(annotations))
        self._tokens.labels(self.version).inc(sum(annotation.token_count for annotation in annotations))
