"""From the series of ``serving/metrics.py`` to counters, wherever they were read. Pure."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import inf
from typing import NamedTuple

from clinical_ner.rollout.counting.counters import Counters, Counts, Histogram, Moments

REQUESTS = "clinical_ner_requests_total"
LATENCY = "clinical_ner_request_seconds_bucket"
NOTES = "clinical_ner_notes_total"
TOKENS = "clinical_ner_tokens_total"
ENTITIES = "clinical_ner_entities_total"
SCORES = "clinical_ner_entity_score_sum"
SQUARES = "clinical_ner_request_squares_total"
INFO = "clinical_ner_model_info"
STARTED = "process_start_time_seconds"
NAMES = frozenset({REQUESTS, LATENCY, NOTES, TOKENS, ENTITIES, SCORES, SQUARES, INFO, STARTED})
"""All that is read."""

# https://grpc.io/docs/guides/status-codes/: what is no fault of the caller's.
_GRPC_ERRORS = {"UNKNOWN", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "ABORTED"}


class Sampled(NamedTuple):
    """One series at one moment."""

    name: str
    labels: Mapping[str, str]
    value: float


def is_error(status: str) -> bool:
    """Whether an HTTP code or a gRPC status's name is the server's fault."""
    return status.startswith("5") or status in _GRPC_ERRORS


def is_refusal(status: str) -> bool:
    """Whether it says that the request is wrong; a caller that went away (499, CANCELLED) says nothing."""
    if status in {"OK", "CANCELLED", "499"} or is_error(status):
        return False
    return not status.isdigit() or status.startswith("4")


def collect(samples: Mapping[str, Iterable[Sampled]], version: str) -> Counters:
    """Counters of ``version`` from the samples of each process; processes that do not serve it are left out."""
    processes: dict[str, Counts] = {}
    digests: set[str] = set()
    started: dict[str, float] = {}
    for process, found in samples.items():
        known = [sample for sample in found if sample.name in NAMES]
        own = [sample for sample in known if sample.labels.get("model_version") == version]
        served = {sample.labels.get("digest", "") for sample in own if sample.name == INFO and sample.value}
        if not own:
            continue
        processes[process] = _counts(own)
        digests |= served - {""}
        for sample in known:
            if sample.name == STARTED:
                started[process] = sample.value
    return Counters(processes=processes, digests=frozenset(digests), started=started)


def _counts(samples: list[Sampled]) -> Counts:
    squares = _by(samples, SQUARES, "of", "label")
    tokens = squares.get(("tokens*tokens", ""), 0.0)
    requests = _by(samples, REQUESTS, "status")
    return Counts(
        requests=sum(requests.values()),
        errors=sum(value for (status,), value in requests.items() if is_error(status)),
        refused=sum(value for (status,), value in requests.items() if is_refusal(status)),
        latency=_histogram(_by(samples, LATENCY, "le")),
        notes=_total(samples, NOTES),
        tokens=_total(samples, TOKENS),
        entities={label: value for (label,), value in _by(samples, ENTITIES, "label").items()},
        entity_moments={
            label: Moments(squared=value, product=squares.get(("entities*tokens", label), 0.0), base_squared=tokens)
            for (of, label), value in squares.items()
            if of == "entities*entities" and label
        },
        scores=_total(samples, SCORES),
        score_moments=Moments(
            squared=squares.get(("scores*scores", ""), 0.0),
            product=squares.get(("scores*entities", ""), 0.0),
            base_squared=squares.get(("entities*entities", ""), 0.0),
        ),
    )


def _total(samples: list[Sampled], name: str) -> float:
    return sum(sample.value for sample in samples if sample.name == name)


def _by(samples: list[Sampled], name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Sums of one series over all but the named labels."""
    sums: dict[tuple[str, ...], float] = {}
    for sample in samples:
        if sample.name == name:
            key = tuple(sample.labels.get(label, "") for label in labels)
            sums[key] = sums.get(key, 0.0) + sample.value
    return sums


def _histogram(cumulative: Mapping[tuple[str, ...], float]) -> Histogram:
    """Buckets as Prometheus has them, each holding those below it, taken apart."""
    ordered = sorted((float(le), value) for (le,), value in cumulative.items())
    if not ordered:
        return Histogram()
    below = [0.0, *(value for _, value in ordered)]
    counts = tuple(above - before for before, above in pairwise(below))
    return Histogram(bounds=tuple(le for le, _ in ordered if le != inf), counts=counts)
