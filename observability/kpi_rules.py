"""Are the key figures what was promised? A breach is one when the whole 95 % interval lies on the wrong side of the target."""

from typing import NamedTuple

from observability.expressions import Expression, above, below
from observability.rules import Alert, Group

MAX_AGE_SECONDS = 3 * 86400
MIN_SAMPLE = 30
"""Below it no figure is held against anybody."""


class Target(NamedTuple):
    """Of a key figure (``clinical_ner_kpi_<figure>...``): the interval's ``end`` that must not pass ``limit``."""

    figure: str
    end: str
    limit: float
    min_sample: int
    promise: str


TARGETS = (
    Target("reviewed_f1", "high_ratio", 0.75, MIN_SAMPLE, "strict F1 on reviewed notes of at least 0.75"),
    Target("changed_entities", "low_ratio", 0.25, MIN_SAMPLE, "at most a quarter of the entities changed by reviewers"),
    Target("review", "low_seconds", 180.0, MIN_SAMPLE, "at most three minutes of review a note"),
    Target("latency_p95", "low_seconds", 0.5, MIN_SAMPLE, "95 % of requests answered within half a second"),
    Target("data_to_live", "low_seconds", 14 * 86400.0, 6, "two weeks from new data to a live model"),
)
"""Promises, to be agreed with the hospital: change them here."""


def _breached(target: Target) -> Expression:
    name, by = f"clinical_ner_kpi_{target.figure}", "namespace, model, model_version"
    value = f"max by ({by}) ({name}_{target.end})"
    passed = below(value, target.limit) if target.end.startswith("high") else above(value, target.limit)
    return passed.both(above(f"max by ({by}) ({name}_sample_size)", target.min_sample - 1))


def _breach(target: Target) -> Alert:
    shown = "humanizeDuration" if target.end.endswith("seconds") else "humanizePercentage"
    return Alert(
        "KpiBreach",
        "warning",
        _breached(target),
        "1h",
        f"Promised: {target.promise}; measured, at best, {{{{ $value | {shown} }}}}.",
        "The whole 95 % interval of the last days' figure lies beyond the target.",
        {"figure": target.figure},
    )


KPI = Group(
    "kpi",
    (),
    (
        *map(_breach, TARGETS),
        Alert(
            "KpiMissing",
            "info",
            above("time() - max by (namespace, model) (clinical_ner_kpi_last_success_timestamp_seconds)", MAX_AGE_SECONDS),
            "1h",
            "Key figures were computed {{ $value | humanizeDuration }} ago.",
            "The job that runs clinical-ner kpi has stopped. What dashboards show of {{ $labels.model }} is old.",
        ),
    ),
)
