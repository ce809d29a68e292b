"""Rollouts: where each stands, how traffic is split, and canary against stable."""

from typing import Any

from observability.dashboards.panels import EVERYWHERE, OF_VERSION, Line, Panel, lines, number, rows, states
from observability.rollout_rules import MAX_UNATTENDED_SECONDS
from observability.service_rules import FAULTS

_RATE = "[$__rate_interval]"
_NAMED = "{{rollout}}"


def rollout_dashboard() -> dict[str, Any]:
    """Opens on the last three hours."""
    meaning = "Rollouts of new versions: phase, share of the traffic, verdicts, and both versions side by side."
    sections = {"Now": _now(), "Course": _course(), "Canary against stable": _versions()}
    return rows("Clinical NER: rollout", "clinical-ner-rollout", meaning, sections, since="3h")


def _gauge(name: str) -> str:
    return f"clinical_ner_rollout_{name}{{{OF_VERSION}}}"


def _now() -> list[Panel]:
    return [
        number("Canary", "Its proven share of the traffic.", "percent", Line(_gauge("canary_percent"), _NAMED), span=6),
        number("Step", "The first is 0.", "short", Line(_gauge("step"), _NAMED), span=6),
        number("In this phase", "While somebody looked.", "s", Line(_gauge("phase_seconds"), _NAMED), span=6),
        number(
            "Last look",
            "How long ago it was advanced; of rollouts that have ended it grows.",
            "s",
            Line(f"time() - {_gauge('looked_timestamp_seconds')}", _NAMED),
            span=6,
            limit=MAX_UNATTENDED_SECONDS,
        ),
    ]


def _course() -> list[Panel]:
    split = f"sum by (model_version) (rate(clinical_ner_requests_total{{{OF_VERSION}}}{_RATE}))"
    every = f"scalar(sum(rate(clinical_ner_requests_total{{{OF_VERSION}}}{_RATE})))"
    return [
        states("Phase", "Of each rollout.", Line(f"{_gauge('phase')} == 1", "{{rollout}}: {{phase}}"), span=12),
        states(
            "Verdict", "Of the latest look at the present step.", Line(_gauge("verdict"), "{{rollout}}: {{verdict}}"), span=12
        ),
        lines("Proven share", "As the rollout sees it.", "percent", Line(_gauge("canary_percent"), _NAMED)),
        lines("Share of requests", "As servers count them.", "percentunit", Line(f"{split} / {every}", "{{model_version}}")),
        lines(
            "Problems", "Things that could not be asked or done at the last look.", "short", Line(_gauge("problems"), _NAMED)
        ),
    ]


def _versions() -> list[Panel]:
    def per_version(metric: str, more: str = "") -> str:
        return f"sum by (model_version) (rate(clinical_ner_{metric}{{{OF_VERSION}{more}}}{_RATE}))"

    every = per_version("requests_total")
    failed = per_version("requests_total", f', status=~"{FAULTS}"')
    bucket = f"sum by (model_version, le) (rate(clinical_ner_request_seconds_bucket{{{OF_VERSION}}}{_RATE}))"
    latencies = (Line(f"histogram_quantile({q}, {bucket})", f"p{q * 100:g} {{{{model_version}}}}") for q in (0.5, 0.99))
    entities = f"100 * {per_version('entities_total')} / {per_version('tokens_total')}"
    scores = f"{per_version('entity_score_sum')} / {per_version('entity_score_count')}"
    started = "process_start_time_seconds * on (instance) group_left (model_version) clinical_ner_model_info"
    running = f"max by (model_version) (time() - {started}{{{EVERYWHERE}}})"
    return [
        lines(
            "Failing requests",
            "Share of each version's.",
            "percentunit",
            Line(f"({failed} or 0 * {every}) / {every}", "{{model_version}}"),
        ),
        lines("Latency", "From a request's arrival to its reply.", "s", *latencies),
        lines("Entities", "In 100 tokens.", "short", Line(entities, "{{model_version}}")),
        lines("Score", "Mean of the entities' scores.", "percentunit", Line(scores, "{{model_version}}"), span=12),
        lines("Running for", "The oldest process of each version.", "s", Line(running, "{{model_version}}"), span=12),
    ]
