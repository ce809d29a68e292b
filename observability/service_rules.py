"""Is the service there, right and fast? Error budgets burn over several windows at once, as in the SRE workbook's chapter 5.

Recorded series exist from a server's first scrape on, as 0, so that no traffic is not the same as no data. They are of a
namespace: the model server's callers have one service there, whichever versions answer.
"""

from observability.expressions import Expression, above, equal, missing, present
from observability.rules import Alert, Group, Recording

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
FAULTS = "5..|UNKNOWN|INTERNAL|UNAVAILABLE|DATA_LOSS|DEADLINE_EXCEEDED|UNIMPLEMENTED|ABORTED"
"""Statuses, of HTTP and gRPC, that are no caller's fault; a rollout judges by the same."""
MAX_ERROR_RATIO = 0.001
"""Of 30 days' requests: the error budget."""
FAST_SECONDS = "0.5"
"""A bound of the server's histogram, as Prometheus writes it."""
MAX_SLOW_RATIO = 0.01
"""Of 30 days' requests, those slower than that."""
MIN_FAILED = 5
"""Requests in the longer window below which nobody is called: with little traffic one is a large share."""
_HOURS = {"5m": 5 / 60, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72}

REQUESTS = "namespace:clinical_ner_requests:rate{}"
ERRORS = "namespace:clinical_ner_request_errors:rate{}"
ERROR_RATIO = "namespace:clinical_ner_request_errors:ratio_rate{}"
SLOW = "namespace:clinical_ner_slow_requests:rate{}"
SLOW_RATIO = "namespace:clinical_ner_slow_requests:ratio_rate{}"


def _recordings(window: str) -> list[Recording]:
    requests, errors, slow = (name.format(window) for name in (REQUESTS, ERRORS, SLOW))
    served = "0 * max by (namespace) (clinical_ner_model_info)"
    failed = f'sum by (namespace) (rate(clinical_ner_requests_total{{status=~"{FAULTS}"}}[{window}]))'
    timed = f"sum by (namespace) (rate(clinical_ner_request_seconds_count[{window}]))"
    fast = f'sum by (namespace) (rate(clinical_ner_request_seconds_bucket{{le="{FAST_SECONDS}"}}[{window}]))'
    return [
        Recording(requests, f"sum by (namespace) (rate(clinical_ner_requests_total[{window}])) or {served}"),
        Recording(errors, f"{failed} or 0 * {requests}"),
        Recording(ERROR_RATIO.format(window), f"{errors} / ({requests} > 0)"),
        Recording(slow, f"({timed} - {fast}) or {served}"),
        Recording(SLOW_RATIO.format(window), f"{slow} / ({requests} > 0)"),
    ]


def _burns(bad: str, ratio: str, budget: float, long: str, short: str, factor: float) -> Expression:
    """The budget goes ``factor`` times faster than it lasts, over the long window and still over the short one."""
    enough = above(bad.format(long), MIN_FAILED / (_HOURS[long] * 3600))
    both = above(ratio.format(long), factor * budget).both(above(ratio.format(short), factor * budget))
    return both.both(enough)


def _burns_either(bad: str, ratio: str, budget: float, *cases: tuple[str, str, float]) -> Expression:
    first, second = (_burns(bad, ratio, budget, *case) for case in cases)
    return first.either(second)


_SERVED = "max by (namespace) (clinical_ner_model_info)"
_EXPECTED = present("max by (namespace) (clinical_ner_live_model_info)").either(
    present("max by (namespace) (max_over_time(clinical_ner_model_info[1d]))")
)
"""Namespaces where a model is to be served: the monitor reports a live one, or servers did within a day."""

_FAST_BURN = (("1h", "5m", 14.4), ("6h", "30m", 6.0))
_SLOW_BURN = (("1d", "2h", 3.0), ("3d", "6h", 1.0))

SERVICE = Group(
    "service",
    tuple(recording for window in WINDOWS for recording in _recordings(window)),
    (
        Alert(
            "ErrorBudgetBurnFast",
            "critical",
            _burns_either(ERRORS, ERROR_RATIO, MAX_ERROR_RATIO, *_FAST_BURN),
            "2m",
            "{{ $value | humanizePercentage }} of requests fail.",
            "The month's error budget (0.1 % of requests) lasts less than five days at this rate: over one hour and five "
            "minutes 14 times too fast, or over six hours and half an hour six times.",
        ),
        Alert(
            "ErrorBudgetBurnSlow",
            "warning",
            _burns_either(ERRORS, ERROR_RATIO, MAX_ERROR_RATIO, *_SLOW_BURN),
            "15m",
            "{{ $value | humanizePercentage }} of requests have failed for long.",
            "The month's error budget (0.1 % of requests) will not last: over a day and two hours three times too fast, or "
            "over three days and six hours just too fast.",
        ),
        Alert(
            "LatencyBudgetBurn",
            "warning",
            _burns_either(SLOW, SLOW_RATIO, MAX_SLOW_RATIO, *_FAST_BURN),
            "5m",
            f"{{{{ $value | humanizePercentage }}}} of requests take longer than {FAST_SECONDS} s.",
            "At most 1 % of a month's requests may. Callers wait, and time out next.",
        ),
        Alert(
            "NoTraffic",
            "warning",
            equal(REQUESTS.format("30m"), 0),
            "30m",
            "Servers are up and nobody has asked for an hour.",
            "Not one inference request in namespace {{ $labels.namespace }}: the way to the service is broken, or "
            "its callers are.",
        ),
        Alert(
            "NotServing",
            "critical",
            _EXPECTED.unless(present(_SERVED), "namespace").either(missing(_EXPECTED.text)),
            "5m",
            "No server reports a model.",
            "Prometheus finds no series clinical_ner_model_info in the namespace (without one, none anywhere): no server is "
            "ready, or none is scraped.",
        ),
    ),
)
