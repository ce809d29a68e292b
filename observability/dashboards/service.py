"""The service: traffic, errors, latency, the inference log, review samples, processes."""

from typing import Any

from observability.dashboards.panels import EVERYWHERE, OF_VERSION, Line, Panel, buckets, lines, listing, number, rows
from observability.log_rules import MAX_UNSENT_SECONDS
from observability.service_rules import ERROR_RATIO, FAST_SECONDS, FAULTS, MAX_ERROR_RATIO, MAX_SLOW_RATIO, SLOW_RATIO

_RATE = "[$__rate_interval]"


def service_dashboard() -> dict[str, Any]:
    """Opens on the last six hours."""
    meaning = "The model server: is it there, right, fast, and does what it answers reach log and reviewers?"
    sections = {
        "Now": _now(),
        "Requests": _requests(),
        "Inference log": _log(),
        "Review samples": _review(),
        "Processes": _processes(),
    }
    return rows("Clinical NER: service", "clinical-ner-service", meaning, sections, since="6h")


def _rate(metric: str, by: str, labels: str = OF_VERSION) -> str:
    return f"sum by ({by}) (rate({metric}{{{labels}}}{_RATE}))"


def _quantile(q: float) -> Line:
    inner = _rate("clinical_ner_request_seconds_bucket", "model_version, le")
    return Line(f"histogram_quantile({q}, {inner})", f"p{q * 100:g} {{{{model_version}}}}")


def _now() -> list[Panel]:
    firing = f'ALERTS{{{EVERYWHERE}, alertname=~"ClinicalNer.*", alertstate="firing"}}'
    errors, slow = (f"max({ratio.format('1h')}{{{EVERYWHERE}}})" for ratio in (ERROR_RATIO, SLOW_RATIO))
    return [
        number(
            "Requests",
            "Inference requests a second.",
            "reqps",
            Line(f"sum({_rate('clinical_ner_requests_total', 'namespace')})", ""),
        ),
        number(
            "Failing, 1 h",
            "Share of requests that failed for no fault of the caller.",
            "percentunit",
            Line(errors, ""),
            limit=14.4 * MAX_ERROR_RATIO,
        ),
        number(
            f"Slower than {FAST_SECONDS} s, 1 h",
            "Share of requests.",
            "percentunit",
            Line(slow, ""),
            limit=14.4 * MAX_SLOW_RATIO,
        ),
        listing("Alerts", "That fire now; each has a page in docs/runbooks.", firing),
        listing("Models served", "By every server, with its address.", f"clinical_ner_model_info{{{OF_VERSION}}}", span=24),
    ]


def _requests() -> list[Panel]:
    failed = _rate("clinical_ner_requests_total", "model_version", f'{OF_VERSION}, status=~"{FAULTS}"')
    every = _rate("clinical_ner_requests_total", "model_version")
    return [
        lines("Requests by version", "Also how a rollout splits the traffic.", "reqps", Line(every, "{{model_version}}")),
        lines(
            "Requests by protocol and status",
            "200 and OK are answered; 4xx, INVALID_ARGUMENT, NOT_FOUND and RESOURCE_EXHAUSTED are the caller's.",
            "reqps",
            Line(_rate("clinical_ner_requests_total", "protocol, status"), "{{protocol}} {{status}}"),
        ),
        lines(
            "Failing requests",
            "Share by version.",
            "percentunit",
            Line(f"({failed} or 0 * {every}) / {every}", "{{model_version}}"),
            limit=MAX_ERROR_RATIO,
        ),
        lines(
            "Latency",
            "From a request's arrival to its reply; requests differ in how many notes they hold.",
            "s",
            *(_quantile(q) for q in (0.5, 0.95, 0.99)),
            limit=float(FAST_SECONDS),
        ),
        buckets("Latency, all requests", "Where they lie.", "s", _rate("clinical_ner_request_seconds_bucket", "le")),
        lines(
            "Notes", "Tagged a second.", "short", Line(_rate("clinical_ner_notes_total", "model_version"), "{{model_version}}")
        ),
        lines(
            "Error budget",
            f"How many times too fast the month's budget ({MAX_ERROR_RATIO:.1%} of requests) goes; calls at 14.4 and 6.",
            "short",
            *(
                Line(f"{ERROR_RATIO.format(window)}{{{EVERYWHERE}}} / {MAX_ERROR_RATIO:g}", f"{window} {{{{namespace}}}}")
                for window in ("5m", "1h", "6h")
            ),
        ),
    ]


def _log() -> list[Panel]:
    records = [
        Line(_rate(f"clinical_ner_log_{name}_total", "model_version"), f"{shown} {{{{model_version}}}}")
        for name, shown in (("records", "written"), ("sent_records", "sent"))
    ]
    oldest = f"max by (model_version) (clinical_ner_log_oldest_unsent_seconds{{{OF_VERSION}}})"
    waiting = f"max by (model_version) (clinical_ner_log_waiting_bytes{{{OF_VERSION}}})"
    return [
        lines("Records", "Written to the spool and sent to the store.", "cps", *records),
        lines(
            "Oldest record that waits",
            "A minute or two is usual.",
            "s",
            Line(oldest, "{{model_version}}"),
            limit=MAX_UNSENT_SECONDS,
        ),
        lines("Waiting", "Bytes in a server's spool.", "bytes", Line(waiting, "{{model_version}}")),
        lines(
            "Lost records",
            "By reason; each is an answer that drift and key figures do not see.",
            "short",
            Line(f"sum by (reason) (increase(clinical_ner_log_lost_records_total{{{OF_VERSION}}}{_RATE}))", "{{reason}}"),
            span=12,
        ),
        lines(
            "Failed attempts",
            "By step; repeated ones count again.",
            "short",
            Line(f"sum by (step) (increase(clinical_ner_log_failures_total{{{OF_VERSION}}}{_RATE}))", "{{step}}"),
            span=12,
        ),
    ]


def _review() -> list[Panel]:
    return [
        lines(
            "Samples stored",
            "By stratum, in an hour.",
            "short",
            Line(f"sum by (stratum) (increase(clinical_ner_review_samples_total{{{OF_VERSION}}}[1h]))", "{{stratum}}"),
        ),
        lines(
            "Samples lost",
            "Drawn and not stored, in an hour.",
            "short",
            Line(f"sum by (reason) (increase(clinical_ner_review_lost_samples_total{{{OF_VERSION}}}[1h]))", "{{reason}}"),
        ),
        lines(
            "Entities left out",
            "Predictions that share text with an identifier, in an hour.",
            "short",
            Line(
                f"sum by (model_version) (increase(clinical_ner_review_dropped_entities_total{{{OF_VERSION}}}[1h]))",
                "{{model_version}}",
            ),
        ),
    ]


def _processes() -> list[Panel]:
    def of_servers(query: str) -> Line:
        return Line(f"{query} and on (instance) clinical_ner_model_info{{{OF_VERSION}}}", "{{instance}}")

    return [
        lines("Memory", "Of each server's process.", "bytes", of_servers("process_resident_memory_bytes")),
        lines(
            "Processors",
            "That a server keeps busy; one is all that tagging can use.",
            "short",
            of_servers(f"rate(process_cpu_seconds_total{_RATE})"),
        ),
        lines(
            "Running for",
            "A server that starts again and again is a saw.",
            "s",
            of_servers("time() - process_start_time_seconds"),
        ),
    ]
