"""The model: what each version finds, how far notes have drifted from its reference, monitoring runs, reviewers' findings."""

from typing import Any

from observability.dashboards.panels import (
    EVERYWHERE,
    OF_VERSION,
    Line,
    Panel,
    bars,
    buckets,
    lines,
    listing,
    number,
    rows,
    states,
)
from observability.kpi_rules import TARGETS
from observability.model_rules import LIVE, MAX_MONITOR_AGE_SECONDS

_RATE = "[$__rate_interval]"
_BY_VERSION = "{{model_version}}"
_SECOND_UNITS = {"ratio": "percentunit", "seconds": "s"}


def model_dashboard() -> dict[str, Any]:
    """Opens on the last 30 days: monitoring runs come once a day."""
    meaning = (
        "Quality and drift of each version: what it finds, how far notes are from what it was evaluated on, what reviewers say."
    )
    sections = {
        "Now": _now(),
        "What the model finds": _findings(),
        "Drift": _drift(),
        "New words": _words(),
        "Monitoring and training": _runs(),
        "Reviewers": _reviewers(),
    }
    return rows("Clinical NER: model quality and drift", "clinical-ner-model", meaning, sections, since="30d")


def _gauge(metric: str, labels: str = "") -> str:
    return f"clinical_ner_{metric}{{{OF_VERSION}{', ' if labels else ''}{labels}}}"


def _per(numerator: str, denominator: str, by: str, factor: float = 1) -> str:
    above, below = (
        f"sum by ({labels}) (rate(clinical_ner_{metric}{{{OF_VERSION}}}{_RATE}))"
        for metric, labels in ((numerator, by), (denominator, "model_version"))
    )
    many = " on (model_version) group_left" if by != "model_version" else ""
    return f"{factor:g} * {above} /{many} {below}"


def _now() -> list[Panel]:
    success = (
        f'time() - max by (namespace) (clinical_ner_monitoring_last_success_timestamp_seconds{{{EVERYWHERE}, stage="decide"}})'
    )
    return [
        number(
            "Drift",
            "Deviation that lasted through two windows.",
            "percentunit",
            Line(f"max({_gauge('drift_deviation_ratio')})", ""),
            limit=0.05,
        ),
        number("Last monitoring run", "How long ago.", "s", Line(success, "{{namespace}}"), limit=MAX_MONITOR_AGE_SECONDS),
        number(
            "Reviewed F1",
            "Strict, by reviewers of a uniform sample.",
            "percentunit",
            Line(f"max by (namespace) (clinical_ner_kpi_reviewed_f1_ratio{{{EVERYWHERE}}})", "{{namespace}}"),
        ),
        listing("Live in the registry", "As the last monitoring run saw it.", f"{LIVE}{{{OF_VERSION}}}"),
    ]


def _findings() -> list[Panel]:
    return [
        lines(
            "Entities",
            "In 100 tokens, by label.",
            "short",
            Line(_per("entities_total", "tokens_total", "model_version, label", 100), "{{label}} {{model_version}}"),
        ),
        lines(
            "Score",
            "Mean of the entities' scores.",
            "percentunit",
            Line(_per("entity_score_sum", "entity_score_count", "model_version"), _BY_VERSION),
        ),
        lines(
            "Unknown tokens",
            "Mean share of a note's tokens that the training notes did not hold.",
            "percentunit",
            Line(_per("unknown_token_ratio_sum", "unknown_token_ratio_count", "model_version"), _BY_VERSION),
        ),
        buckets(
            "Scores",
            "Where they lie.",
            "percentunit",
            f"sum by (le) (rate(clinical_ner_entity_score_bucket{{{OF_VERSION}}}{_RATE}))",
            span=12,
        ),
        buckets(
            "Unknown tokens of a note",
            "Where they lie.",
            "percentunit",
            f"sum by (le) (rate(clinical_ner_unknown_token_ratio_bucket{{{OF_VERSION}}}{_RATE}))",
            span=12,
        ),
    ]


def _drift() -> list[Panel]:
    return [
        lines(
            "Deviation",
            "Of the newest window, and what lasted through two. Bands: 2, 5, 10 %.",
            "percentunit",
            Line(_gauge("drift_window_deviation_ratio"), f"window {_BY_VERSION}"),
            Line(_gauge("drift_deviation_ratio"), f"lasting {_BY_VERSION}"),
            limit=0.05,
        ),
        bars(
            "Columns",
            "Deviation of each column of the newest window.",
            "percentunit",
            Line(f"sort_desc({_gauge('drift_column_deviation_ratio')})", "{{column}}"),
            limit=0.05,
        ),
        bars(
            "Beyond noise",
            "1 for a column whose deviation chance does not explain.",
            "short",
            Line(_gauge("drift_column_beyond_noise"), "{{column}}"),
        ),
        states("Decision", "What each run asked for.", Line(f"{_gauge('drift_action')} == 1", "{{action}}")),
        lines(
            "Notes of the window",
            "Answered and refused.",
            "short",
            Line(_gauge("drift_window_notes"), f"answered {_BY_VERSION}"),
            Line(_gauge("drift_window_refused_notes"), f"refused {_BY_VERSION}"),
        ),
        states(
            "Not judged",
            "Windows with too few notes, or of a version without reference.",
            Line(_gauge("drift_window_unjudged"), _BY_VERSION),
        ),
    ]


def _words() -> list[Panel]:
    counted = [
        Line(_gauge(f"novelty_{name}_words"), name.replace("_", " "))
        for name in ("unknown", "new", "recurring", "recurring_new")
    ]
    return [
        lines(
            "Unknown words",
            "Mean share of a note's words, against the version's reference.",
            "percentunit",
            Line(_gauge("novelty_unknown_ratio"), f"window {_BY_VERSION}"),
            Line(_gauge("novelty_reference_unknown_ratio"), f"reference {_BY_VERSION}"),
        ),
        lines(
            "Different words",
            "That the version does not know: all, those no earlier note had, those in several notes.",
            "short",
            *counted,
        ),
        states("Alert", "More than chance explains.", Line(_gauge("novelty_alert"), _BY_VERSION)),
    ]


def _runs() -> list[Panel]:
    age = f"time() - max by (namespace, stage) (clinical_ner_monitoring_last_success_timestamp_seconds{{{EVERYWHERE}}})"
    return [
        lines("Last success", "How long ago, by stage.", "s", Line(age, "{{stage}}"), limit=MAX_MONITOR_AGE_SECONDS),
        states("What came of it", "Of each decision.", Line(f"{_gauge('resubmission_status')} == 1", "{{status}}")),
        states(
            "Last training",
            "As each run saw it; nothing before the first.",
            Line(_gauge("resubmission_last_training"), "{{state}}"),
        ),
        lines("For a person", "Sentences in the outcome.", "short", Line(_gauge("resubmission_alerts"), _BY_VERSION)),
        lines(
            "Corrections",
            "That the version was not trained on.",
            "short",
            Line(_gauge("drift_new_annotated_documents"), _BY_VERSION),
        ),
        lines(
            "Trouble in the log",
            "Records twice, and files that break the schema.",
            "short",
            Line(_gauge("inference_log_duplicate_records"), "twice"),
            Line(_gauge("inference_log_rejected_files"), "rejected"),
        ),
    ]


def _reviewers() -> list[Panel]:
    titles = {
        "reviewed_f1": "Reviewed F1",
        "changed_entities": "Entities changed",
        "review": "Review time a note",
        "latency_p95": "Latency, 95th percentile",
        "data_to_live": "New data to live model",
    }
    difference = Line(_gauge("drift_reviewed_f1_difference"), "{{end}} {{model_version}}")
    versions = lines(
        "Live against previous version",
        "F1 on the same reviewed notes: both ends of the difference's 95 % interval.",
        "percentunit",
        difference,
    ).min(-1)
    return [*(_figure(titles[each.figure], each.figure, each.end.rsplit("_", 1)[1], each.limit) for each in TARGETS), versions]


def _figure(title: str, figure: str, unit: str, limit: float) -> Panel:
    ends = [
        Line(f"clinical_ner_kpi_{figure}_{end}{unit}{{{EVERYWHERE}}}", shown)
        for end, shown in (("", "value"), ("low_", "low"), ("high_", "high"))
    ]
    return lines(title, "Key figure with its 95 % interval, and the target.", _SECOND_UNITS[unit], *ends, limit=limit)
