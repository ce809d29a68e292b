"""What the monitoring pipeline found, whether it runs, what came of it, and whether the right model is served.

Batch jobs and servers are matched by namespace: each environment has its own registry, and its v3 is not another one's. So the
Pushgateway is scraped with the namespace of the servers that it reports on, or all have none.
"""

from observability.expressions import Expression, above, equal, present
from observability.rules import Alert, Group, Recording

MAX_MONITOR_AGE_SECONDS = 2 * 86400
"""Two of the recurring run's default intervals."""

_MODEL = "namespace, model_name, model_version"
LIVE = "namespace:clinical_ner_live_model:info"
SERVED = "namespace:clinical_ner_served_model:info"


def _batch(metric: str, by: str = "namespace, model, model_version") -> str:
    return f"max by ({by}) ({metric})"


def _action(name: str) -> Expression:
    return equal(_batch(f'clinical_ner_drift_action{{action="{name}"}}'), 1)


_DEVIATION = _batch("clinical_ner_drift_deviation_ratio")
_SUCCESS = _batch('clinical_ner_monitoring_last_success_timestamp_seconds{stage="decide"}', "namespace, model")
_WAITS = _batch('clinical_ner_resubmission_status{status=~"proposed|needs-annotation"}', "namespace, model, status")
_FAILED = _batch('clinical_ner_resubmission_last_training{state="failed"}')

DRIFT = Group(
    "drift",
    (),
    (
        Alert(
            "DriftRetrain",
            "warning",
            above(_DEVIATION, 0).both(_action("retrain")),
            "",
            "Notes deviate by {{ $value | humanizePercentage }} from what {{ $labels.model_version }} was evaluated on.",
            "The deviation lasted through two windows and lies in the band that asks for a training.",
        ),
        Alert(
            "DriftExperiment",
            "warning",
            above(_DEVIATION, 0).both(_action("experiment")),
            "",
            "Notes deviate by {{ $value | humanizePercentage }}: more than a training alone mends.",
            "The deviation lasted through two windows and lies in the band that asks for an experiment with approval. Scores "
            "of {{ $labels.model_version }} cannot be relied on until people have looked.",
        ),
        Alert(
            "RollBackAsked",
            "critical",
            _action("roll-back"),
            "",
            "On reviewed notes {{ $labels.model_version }} is worse than the version before.",
            "The 95 % interval of the F1 difference lies below 0. With the component auto-roll-back the monitor asks for "
            "the version before; elsewhere a person decides.",
        ),
        Alert(
            "NewWords",
            "info",
            equal(_batch("clinical_ner_novelty_alert"), 1),
            "",
            "Notes hold words that {{ $labels.model_version }} has never seen, more than chance explains.",
            "A new drug, a new site or another way of writing. It need not hurt, and it asks for no training by itself.",
        ),
        Alert(
            "DriftUnjudged",
            "warning",
            equal(_batch("clinical_ner_drift_window_unjudged"), 1),
            "50h",
            "For two days no window of {{ $labels.model_version }} could be judged.",
            "Runs succeed and see nothing: too few notes in the log, or the version has no reference.",
        ),
    ),
)

MONITOR = Group(
    "monitor",
    (),
    (
        Alert(
            "MonitorMissing",
            "warning",
            above(f"time() - {_SUCCESS}", MAX_MONITOR_AGE_SECONDS),
            "1h",
            "The last successful monitoring run was {{ $value | humanizeDuration }} ago.",
            "Nobody watches {{ $labels.model }} for drift.",
            {"case": "overdue"},
        ),
        Alert(
            "MonitorMissing",
            "warning",
            present("max by (namespace) (clinical_ner_model_info)").unless(
                present(_batch("clinical_ner_monitoring_last_success_timestamp_seconds", "namespace")), "namespace"
            ),
            "26h",
            "A model is served and no monitoring run has ever reported.",
            "There is no schedule, it fails from the beginning, or its metrics_to is empty.",
            {"case": "never"},
        ),
        Alert(
            "ResubmitFailed",
            "warning",
            equal(_FAILED, 1),
            "",
            "The training that drift asked for has failed.",
            "{{ $labels.model_version }} goes on serving notes that it was not trained for.",
        ),
        Alert(
            "ResubmitWaits",
            "info",
            equal(_WAITS, 1),
            "",
            "The monitor waits for people: {{ $labels.status }}.",
            "A training is proposed and wants approval, or there is nothing new to train on and notes must be annotated first.",
        ),
    ),
)

_TWO_DIGESTS = above(f"count by ({_MODEL}) ({SERVED})", 1)
_NOT_THE_LIVE = present(SERVED).both(present(LIVE), on=_MODEL).unless(present(LIVE), on=f"{_MODEL}, digest")

MODEL = Group(
    "model",
    (
        Recording(SERVED, f"max by ({_MODEL}, digest) (clinical_ner_model_info)"),
        Recording(
            LIVE,
            f'max by ({_MODEL}, digest) (label_replace(clinical_ner_live_model_info, "model_name", "$1", "model", "(.*)"))',
        ),
    ),
    (
        Alert(
            "DigestMismatch",
            "critical",
            _TWO_DIGESTS.either(Expression(f"count by ({_MODEL}) (\n{_NOT_THE_LIVE.text}\n)", _NOT_THE_LIVE.queries)),
            "1m",
            "{{ $labels.model_version }} is served with another content than the registry's.",
            "Versions never change, so one of the two is not the model that was judged and approved.",
        ),
        Alert(
            "LiveVersionNotServed",
            "warning",
            present(LIVE).unless(present(SERVED), on=_MODEL).both(present(SERVED), on="namespace, model_name"),
            "26h",
            "{{ $labels.model_version }} is live in the registry, and no server has it.",
            "For longer than from one monitoring run to the next. Watched is one version, answered is with another.",
        ),
    ),
)
