"""Does what was answered reach the inference log, and what was drawn the reviewers?"""

from observability.expressions import above
from observability.rules import Alert, Group

MAX_UNSENT_SECONDS = 900
"""A segment is sent after a minute; a quarter of an hour says that sending fails."""
MAX_LOST_REVIEW_RATIO = 0.1
MIN_LOST_REVIEW = 5

_OLDEST = "max by (namespace, model_version) (clinical_ner_log_oldest_unsent_seconds)"
_LOST = "sum by (namespace, model_version, reason) (increase(clinical_ner_log_lost_records_total[15m]))"
_LOST_SAMPLES = "sum by (namespace, model_version) (increase(clinical_ner_review_lost_samples_total[1h]))"
_SAMPLES = "sum by (namespace, model_version) (increase(clinical_ner_review_samples_total[1h]))"

LOG = Group(
    "log",
    (),
    (
        Alert(
            "LogBacklog",
            "warning",
            above(_OLDEST, MAX_UNSENT_SECONDS),
            "10m",
            "A record of the inference log has waited {{ $value | humanizeDuration }} on its server.",
            "Version {{ $labels.model_version }} does not get its records to the store. They are safe while the pod's disk is, "
            "and its spool has room; the monitor does not see them.",
        ),
        Alert(
            "LogRecordsLost",
            "critical",
            above(_LOST, 0),
            "",
            "{{ $value | humanize }} records of the inference log are lost ({{ $labels.reason }}).",
            "Answers of version {{ $labels.model_version }} have no record any more. Drift and key figures leave them out.",
        ),
        Alert(
            "ReviewSamplesLost",
            "warning",
            above(_LOST_SAMPLES, MIN_LOST_REVIEW).both(
                above(f"{_LOST_SAMPLES} / ({_LOST_SAMPLES} + {_SAMPLES} > 0)", MAX_LOST_REVIEW_RATIO)
            ),
            "15m",
            "{{ $value | humanize }} notes drawn for review were not stored within an hour.",
            "More than a tenth of what version {{ $labels.model_version }} drew. Reviewed F1 and key figures rest on fewer "
            "notes, and no longer on chance alone.",
        ),
    ),
)
