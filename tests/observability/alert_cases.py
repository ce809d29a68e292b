"""For every alert, series on which it fires and series on which it does not; promtool holds the rules against them.

Values are promtool's: ``0+2x90`` starts at 0 and adds 2 in each of 90 further steps, ``1x60`` stays 1. A step is a minute; in
cases of days an hour, or the test would take minutes. Time begins at 0.
"""

from collections.abc import Mapping
from typing import NamedTuple

from clinical_ner.rollout.status import Phase

HERE = 'namespace="prod"'
OF_V3 = f'{HERE}, model="clinical-ner", model_version="v3"'
LABELS_V3 = {"namespace": "prod", "model": "clinical-ner", "model_version": "v3"}
SERVER_V3 = f'{HERE}, model_version="v3"'
LABELS_SERVER = {"namespace": "prod", "model_version": "v3"}
WEEK = 7 * 1440


class Case(NamedTuple):
    """``labels`` are those of the alert beside its name and severity, None when it must not fire."""

    alert: str
    about: str
    series: Mapping[str, str]
    minutes: int
    labels: Mapping[str, str] | None = None
    value: str = ""
    """As the annotations show it."""
    step: int = 1
    """Minutes from one sample, and evaluation, to the next."""


def requests(ok: float, failed: float, minutes: int, status: str = "500") -> dict[str, str]:
    """So many a minute."""
    name = f"clinical_ner_requests_total{{{SERVER_V3}, protocol="
    return {
        f'{name}"v2-rest", status="200"}}': f"0+{ok}x{minutes}",
        f'{name}"v2-grpc", status="{status}"}}': f"0+{failed}x{minutes}",
    }


def slow(fast: float, every: float, minutes: int) -> dict[str, str]:
    return {
        f'clinical_ner_request_seconds_bucket{{{SERVER_V3}, protocol="v2-rest", le="0.5"}}': f"0+{fast}x{minutes}",
        f'clinical_ner_request_seconds_bucket{{{SERVER_V3}, protocol="v2-rest", le="+Inf"}}': f"0+{every}x{minutes}",
        f'clinical_ner_request_seconds_count{{{SERVER_V3}, protocol="v2-rest"}}': f"0+{every}x{minutes}",
    } | requests(every, 0, minutes)


def info(version: str, digest: str, values: str, namespace: str = "prod", pod: str = "a") -> dict[str, str]:
    labels = f'namespace="{namespace}", model_name="clinical-ner", model_version="{version}", digest="{digest}", pod="{pod}"'
    return {f"clinical_ner_model_info{{{labels}}}": values}


def live(version: str, digest: str, values: str, namespace: str = "prod") -> dict[str, str]:
    labels = f'namespace="{namespace}", model="clinical-ner", model_version="{version}", digest="{digest}", stage="decide"'
    return {f"clinical_ner_live_model_info{{{labels}}}": values}


def drift(action: str, deviation: float, values: str = "x10") -> dict[str, str]:
    actions = ("none", "watch", "retrain", "experiment", "roll-back")
    found = {f'clinical_ner_drift_action{{{OF_V3}, action="{each}"}}': f"{int(each == action)}{values}" for each in actions}
    return found | {f"clinical_ner_drift_deviation_ratio{{{OF_V3}}}": f"{deviation}{values}"}


def one(metric: str, values: str, labels: str = OF_V3) -> dict[str, str]:
    return {f"clinical_ner_{metric}{{{labels}}}": values}


def success(values: str) -> dict[str, str]:
    return one("monitoring_last_success_timestamp_seconds", values, f'{OF_V3}, stage="decide"')


def kpi(figure: str, end: str, value: float, sample: int) -> dict[str, str]:
    labels = f'{HERE}, model="clinical-ner", job="clinical-ner-kpi"'
    return one(f"kpi_{figure}_{end}", f"{value}x90", labels) | one(f"kpi_{figure}_sample_size", f"{sample}x90", labels)


KPI = {"namespace": "prod", "model": "clinical-ner"}
MODEL = {"namespace": "prod", "model_name": "clinical-ner", "model_version": "v3"}
LOST = one("log_lost_records_total", "0x20 15x20", f'{SERVER_V3}, reason="spool-cap"')


def lost_samples(lost: float, stored: float) -> dict[str, str]:
    return one("review_lost_samples_total", f"0+{lost}x120", f'{SERVER_V3}, reason="not-stored"') | one(
        "review_samples_total", f"0+{stored}x120", f'{SERVER_V3}, stratum="uniform"'
    )


SERVICE = (
    Case("ErrorBudgetBurnFast", "one in fifty fails for an hour", requests(98, 2, 90), 75, {"namespace": "prod"}, "2%"),
    Case("ErrorBudgetBurnFast", "gRPC fails too", requests(98, 2, 90, "UNAVAILABLE"), 75, {"namespace": "prod"}, "2%"),
    Case("ErrorBudgetBurnFast", "one in a hundred for six hours", requests(99, 1, 400), 390, {"namespace": "prod"}, "1%"),
    Case("ErrorBudgetBurnFast", "callers send wrong requests", requests(50, 50, 90, "400"), 75),
    Case("ErrorBudgetBurnFast", "gRPC callers send wrong requests", requests(50, 50, 90, "INVALID_ARGUMENT"), 75),
    Case("ErrorBudgetBurnFast", "one failure in an hour with ten requests", requests(0.15, 0.016, 90), 75),
    Case("ErrorBudgetBurnFast", "within the budget", requests(9999, 1, 90), 75),
    Case(
        "ErrorBudgetBurnSlow", "four in a thousand for a day", requests(9960, 40, 160), 1560, {"namespace": "prod"}, "0.4%", 10
    ),
    Case("ErrorBudgetBurnSlow", "half of the budget", requests(19990, 10, 160), 1560, step=10),
    Case("LatencyBudgetBurn", "a fifth is slow", slow(80, 100, 90), 75, {"namespace": "prod"}, "20%"),
    Case("LatencyBudgetBurn", "one in twenty is slow", slow(95, 100, 90), 75),
    Case(
        "NoTraffic",
        "callers went away",
        info("v3", "d3", "1x130") | one("requests_total", "0+10x30 300x100", f'{SERVER_V3}, protocol="v2-rest", status="200"'),
        110,
        {"namespace": "prod"},
    ),
    Case("NoTraffic", "nobody has ever come", info("v3", "d3", "1x130"), 40, {"namespace": "prod"}),
    Case("NoTraffic", "one note a minute", info("v3", "d3", "1x130") | requests(1, 0, 130), 120),
    Case("NotServing", "nothing is scraped", {"up": "1x20"}, 10, {}),
    Case(
        "NotServing",
        "the other environment serves",
        info("v3", "d3", "1x5 stale") | info("v4", "d4", "1x30", namespace="staging"),
        20,
        {"namespace": "prod"},
    ),
    Case(
        "NotServing",
        "the live version has no server for two days",
        info("v4", "d4", "1x60", namespace="staging") | live("v3", "d3", "1x60"),
        2880,
        {"namespace": "prod"},
        step=60,
    ),
    Case(
        "NotServing",
        "one environment, and nothing else to tell of it",
        info("v3", "d3", "1x5 stale"),
        20,
        {"namespace": "prod"},
    ),
    Case("NotServing", "nothing for days", info("v3", "d3", "1x5 stale"), 2880, {}, step=60),
    Case("NotServing", "a server is there", info("v3", "d3", "1x20"), 10),
    Case("NotServing", "another pod is there", info("v3", "d3", "1x5 stale") | info("v3", "d3", "_x5 1x20", pod="b"), 20),
    Case("NotServing", "another version than the live one", info("v4", "d4", "1x20") | live("v3", "d3", "1x20"), 10),
)
LOG = (
    Case("LogBacklog", "nothing is sent", one("log_oldest_unsent_seconds", "0+60x40", SERVER_V3), 30, LABELS_SERVER, "30m 0s"),
    Case("LogBacklog", "a segment a minute", one("log_oldest_unsent_seconds", "60x40", SERVER_V3), 30),
    Case("LogRecordsLost", "the spool is full", LOST, 25, {**LABELS_SERVER, "reason": "spool-cap"}, "15"),
    Case("LogRecordsLost", "lost long ago", one("log_lost_records_total", "15x60", f'{SERVER_V3}, reason="spool-cap"'), 50),
    Case("ReviewSamplesLost", "a third is lost", lost_samples(1, 2), 100, LABELS_SERVER, "60"),
    Case("ReviewSamplesLost", "one in twenty-one is lost", lost_samples(1, 20), 100),
    Case("ReviewSamplesLost", "all three of an hour are lost", lost_samples(0.05, 0), 100),
)
DRIFT = (
    Case("DriftRetrain", "7 %", drift("retrain", 0.07), 5, LABELS_V3, "7%"),
    Case("DriftRetrain", "new annotations alone ask for it", drift("retrain", 0), 5),
    Case("DriftRetrain", "3 % is watched", drift("watch", 0.03), 5),
    Case("DriftExperiment", "15 %", drift("experiment", 0.15), 5, LABELS_V3, "15%"),
    Case("DriftExperiment", "7 %", drift("retrain", 0.07), 5),
    Case("RollBackAsked", "worse on reviewed notes", drift("roll-back", 0), 5, LABELS_V3),
    Case("RollBackAsked", "15 % drift", drift("experiment", 0.15), 5),
    Case("NewWords", "more than chance", one("novelty_alert", "1x10"), 5, LABELS_V3),
    Case("NewWords", "as ever", one("novelty_alert", "0x10"), 5),
    Case("DriftUnjudged", "two days long", one("drift_window_unjudged", "1x52"), 3060, LABELS_V3, step=60),
    Case("DriftUnjudged", "one day long", one("drift_window_unjudged", "1x24 0x30"), 3060, step=60),
)
MONITOR = (
    Case(
        "MonitorMissing",
        "last run at the beginning",
        success("0x52"),
        3000,
        {"namespace": "prod", "model": "clinical-ner", "case": "overdue"},
        "2d 2h 0m 0s",
        60,
    ),
    Case("MonitorMissing", "a run each hour", success("0+3600x52"), 3000, step=60),
    Case("MonitorMissing", "none ever", info("v3", "d3", "1x28"), 1620, {"namespace": "prod", "case": "never"}, step=60),
    Case("MonitorMissing", "served and watched", info("v3", "d3", "1x28") | success("0+3600x28"), 1620, step=60),
    Case(
        "ResubmitFailed",
        "the last training failed",
        one("resubmission_last_training", "1x10", f'{OF_V3}, state="failed"'),
        5,
        LABELS_V3,
    ),
    Case(
        "ResubmitFailed",
        "it succeeded",
        one("resubmission_last_training", "0x10", f'{OF_V3}, state="failed"')
        | one("resubmission_last_training", "1x10", f'{OF_V3}, state="succeeded"'),
        5,
    ),
    Case(
        "ResubmitWaits",
        "for approval",
        one("resubmission_status", "1x10", f'{OF_V3}, status="proposed"'),
        5,
        {"namespace": "prod", "model": "clinical-ner", "status": "proposed"},
    ),
    Case(
        "ResubmitWaits",
        "nothing to do",
        one("resubmission_status", "1x10", f'{OF_V3}, status="nothing"')
        | one("resubmission_status", "0x10", f'{OF_V3}, status="proposed"'),
        5,
    ),
)
MODELS = (
    Case(
        "DigestMismatch",
        "two contents of one version",
        info("v3", "d3", "1x10") | info("v3", "other", "1x10", pod="b"),
        5,
        MODEL,
    ),
    Case(
        "DigestMismatch",
        "another content than the registry's",
        info("v3", "other", "1x10") | live("v3", "d3", "1x10"),
        5,
        MODEL,
    ),
    Case(
        "DigestMismatch",
        "a canary beside the live one",
        info("v3", "d3", "1x10") | info("v4", "d4", "1x10", pod="b") | live("v3", "d3", "1x10"),
        5,
    ),
    Case(
        "DigestMismatch",
        "another environment's v3",
        info("v3", "other", "1x10", namespace="dev") | live("v3", "d3", "1x10") | info("v3", "d3", "1x10"),
        5,
    ),
    Case(
        "LiveVersionNotServed",
        "an old one is served",
        info("v2", "d2", "1x28") | live("v3", "d3", "1x28"),
        1620,
        {**MODEL, "digest": "d3"},
        step=60,
    ),
    Case(
        "LiveVersionNotServed",
        "promoted since the last monitoring run",
        info("v3", "d3", "1x24") | info("v4", "d4", "1x28", pod="b") | live("v3", "d3", "1x25") | live("v4", "d4", "_x25 1x4"),
        1620,
        step=60,
    ),
    Case(
        "LiveVersionNotServed",
        "served beside a canary",
        info("v3", "d3", "1x28") | info("v4", "d4", "1x28", pod="b") | live("v3", "d3", "1x28"),
        1620,
        step=60,
    ),
)
KPIS = (
    Case(
        "KpiBreach", "F1 at best 0.7", kpi("reviewed_f1", "high_ratio", 0.7, 100), 80, {**KPI, "figure": "reviewed_f1"}, "70%"
    ),
    Case("KpiBreach", "F1 may be good enough", kpi("reviewed_f1", "high_ratio", 0.76, 100), 80),
    Case("KpiBreach", "F1 of few notes", kpi("reviewed_f1", "high_ratio", 0.5, 20), 80),
    Case(
        "KpiBreach",
        "a third changed",
        kpi("changed_entities", "low_ratio", 0.33, 100),
        80,
        {**KPI, "figure": "changed_entities"},
        "33%",
    ),
    Case("KpiBreach", "a fifth changed", kpi("changed_entities", "low_ratio", 0.2, 100), 80),
    Case("KpiBreach", "four minutes a note", kpi("review", "low_seconds", 240, 100), 80, {**KPI, "figure": "review"}, "4m 0s"),
    Case("KpiBreach", "two minutes a note", kpi("review", "low_seconds", 120, 100), 80),
    Case("KpiBreach", "a slow server", kpi("latency_p95", "low_seconds", 2, 100), 80, {**KPI, "figure": "latency_p95"}, "2s"),
    Case("KpiBreach", "a quick server", kpi("latency_p95", "low_seconds", 0.01, 100), 80),
    Case(
        "KpiBreach",
        "three weeks to live",
        kpi("data_to_live", "low_seconds", 1814400, 6),
        80,
        {**KPI, "figure": "data_to_live"},
        "21d 0h 0m 0s",
    ),
    Case("KpiBreach", "a week to live", kpi("data_to_live", "low_seconds", 604800, 6), 80),
    Case(
        "KpiMissing",
        "last at the beginning",
        one("kpi_last_success_timestamp_seconds", "0x75"),
        4440,
        {"namespace": "prod", "model": "clinical-ner"},
        "3d 2h 0m 0s",
        60,
    ),
    Case("KpiMissing", "each minute", one("kpi_last_success_timestamp_seconds", "0+3600x75"), 4440, step=60),
)


def rollout(phase: str, seconds: str, looked: str = "0+60x600", name: str = "v4") -> dict[str, str]:
    labels = f'namespace="prod", model_name="clinical-ner", rollout="{name}", model_version="v4"'
    phases = {f'clinical_ner_rollout_phase{{{labels}, phase="{each}"}}': f"{int(each == phase)}x600" for each in Phase}
    clocks = one("rollout_phase_seconds", seconds, labels) | one("rollout_looked_timestamp_seconds", looked, labels)
    return phases | clocks


def controller(leading: str, pod: str = "a") -> dict[str, str]:
    return one("rollout_controller_leading", leading, f'{HERE}, pod="{pod}"')


SERVED = info("v3", "d3", "1x240")
V4 = {"namespace": "prod", "model_name": "clinical-ner", "rollout": "v4", "model_version": "v4"}
AGAIN = {**V4, "rollout": "v4-again-2"}
ROLLOUTS = (
    Case("RolloutStuck", "never ready", rollout("starting", "0+60x600"), 45, V4, "45m 0s"),
    Case("RolloutStuck", "no way back", rollout("rolling-back", "0+60x600"), 45, V4, "45m 0s"),
    Case("RolloutStuck", "way back not begun", rollout("pending", "0+60x600", name=AGAIN["rollout"]), 45, AGAIN, "45m 0s"),
    Case("RolloutStuck", "waits for its turn", rollout("pending", "0+60x600"), 540),
    Case("RolloutStuck", "held for nine hours", rollout("holding", "0+60x600"), 540, V4, "9h 0m 0s"),
    Case("RolloutStuck", "held for six hours", rollout("holding", "0+60x600"), 360),
    Case("RolloutStuck", "waits for a person", rollout("waiting-approval", "0+60x600"), 540),
    Case("RolloutStuck", "ended long ago", rollout("succeeded", "0+60x600"), 540),
    Case("RolloutFailed", "the service is gone", rollout("failed", "60x600"), 5, V4),
    Case("RolloutFailed", "rolled back", rollout("rolled-back", "60x600"), 5),
    Case("RolloutRolledBack", "by the analysis", rollout("rolled-back", "60x600"), 5, V4),
    Case("RolloutRolledBack", "succeeded", rollout("succeeded", "60x600"), 5),
    Case("RolloutUnattended", "each look fails", rollout("holding", "60x600", "0x600"), 20, V4, "20m 0s"),
    Case("RolloutUnattended", "looked at each minute", rollout("holding", "60x600"), 20),
    Case("RolloutUnattended", "ended", rollout("succeeded", "60x600", "0x600"), 20),
    Case("RolloutControllerMissing", "its pod is gone", SERVED | controller("1x5 stale"), 20, {"namespace": "prod"}),
    Case("RolloutControllerMissing", "it is not reached", SERVED | controller("1x5 _x30"), 25, {"namespace": "prod"}),
    Case(
        "RolloutControllerMissing",
        "gone for three days",
        SERVED | controller("1x5 stale"),
        4320,
        {"namespace": "prod"},
        step=60,
    ),
    Case("RolloutControllerMissing", "it never gets the Lease", SERVED | controller("0x30"), 20, {"namespace": "prod"}),
    Case("RolloutControllerMissing", "it acts", SERVED | controller("1x30"), 20),
    Case(
        "RolloutControllerMissing", "another pod took over", SERVED | controller("1x5 stale") | controller("_x7 1x30", "b"), 25
    ),
    Case("RolloutControllerMissing", "none was ever there", SERVED, 20),
    Case("RolloutControllerMissing", "the servers are gone too", info("v3", "d3", "1x5 stale") | controller("1x5 stale"), 20),
    Case("RolloutWaitsForApproval", "before 100 %", rollout("waiting-approval", "0+60x600"), 15, V4),
    Case("RolloutWaitsForApproval", "for a minute", rollout("waiting-approval", "0+60x600"), 5),
)
CASES = (*ROLLOUTS, *SERVICE, *LOG, *DRIFT, *MONITOR, *MODELS, *KPIS)
