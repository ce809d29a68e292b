"""Do rollouts go on or back, and does anybody advance them? The series are those of ``clinical_ner/rollout/metrics.py``."""

from observability.expressions import Expression, above, equal, present
from observability.rules import Alert, Group

MAX_PHASE_SECONDS = 1800
"""Of phases that end within a plan's ``ready_seconds`` (600), or at once."""
MAX_HOLDING_SECONDS = 8 * 3600
"""Of a step that waits for a verdict: a plan's ``inconclusive_seconds`` (six hours) and the hold itself."""
MAX_UNATTENDED_SECONDS = 600
CONTROLLER_KNOWN = "7d"
"""So long its absence is told after a controller was scraped last. Where none was, none is missed: servers can do without
rollouts, and those of a service on one machine are carried out by a command."""

_BY = "namespace, model_name, rollout, model_version"
_SECONDS = f"max by ({_BY}) (clinical_ner_rollout_phase_seconds)"


def _phase(names: str) -> str:
    return f'max by ({_BY}) (clinical_ner_rollout_phase{{phase=~"{names}"}})'


_CONTROLLER = "clinical_ner_rollout_controller_leading"
_CONTROLLER_LACKS = present(f"max by (namespace) (max_over_time({_CONTROLLER}[{CONTROLLER_KNOWN}]))").unless(
    equal(f"max by (namespace) ({_CONTROLLER})", 1), "namespace"
)
_SERVED = present("max by (namespace) (clinical_ner_model_info)")

_MOVING = "starting|shifting|promoting|rolling-back"
_WAY_BACK_PENDING = Expression(
    f'max by ({_BY}) (clinical_ner_rollout_phase{{phase="pending", rollout=~".+-again(-[0-9]+)?"}}) == 1', (_phase("pending"),)
)
"""Ways back wait for nobody's turn."""
_UNDER_WAY = f"pending|waiting-approval|holding|{_MOVING}"

ROLLOUT = Group(
    "rollout",
    (),
    (
        Alert(
            "RolloutStuck",
            "warning",
            above(_SECONDS, MAX_PHASE_SECONDS)
            .both(equal(_phase(_MOVING), 1).either(_WAY_BACK_PENDING))
            .either(above(_SECONDS, MAX_HOLDING_SECONDS).both(equal(_phase("holding"), 1))),
            "5m",
            "The rollout of {{ $labels.model_version }} has stood still for {{ $value | humanizeDuration }}.",
            "It goes neither on nor back; clinical-ner rollout explain says what it waits for.",
        ),
        Alert(
            "RolloutFailed",
            "critical",
            equal(_phase("failed"), 1),
            "",
            "The rollout of {{ $labels.model_version }} could go neither on nor back.",
            "Nobody advances it any more and traffic stays as it is: a person must look.",
        ),
        Alert(
            "RolloutRolledBack",
            "info",
            equal(_phase("rolled-back"), 1),
            "",
            "{{ $labels.model_version }} was not rolled out: everything is as before.",
            "The newest rollout ended with the stable version at 100 %.",
        ),
        Alert(
            "RolloutUnattended",
            "warning",
            above(f"time() - max by ({_BY}) (clinical_ner_rollout_looked_timestamp_seconds)", MAX_UNATTENDED_SECONDS).both(
                equal(_phase(_UNDER_WAY), 1)
            ),
            "5m",
            "Nobody has looked at the rollout of {{ $labels.model_version }} for {{ $value | humanizeDuration }}.",
            "Whoever advances it runs, and each of its looks fails. Traffic stays as it is.",
        ),
        Alert(
            "RolloutControllerMissing",
            "warning",
            _CONTROLLER_LACKS.both(_SERVED, on="namespace"),
            "10m",
            "No rollout controller acts in namespace {{ $labels.namespace }}.",
            "It is down, not scraped, or without the Lease. A rollout that is under way stays as it is, and nothing is judged.",
        ),
        Alert(
            "RolloutWaitsForApproval",
            "info",
            equal(_phase("waiting-approval"), 1),
            "10m",
            "The rollout of {{ $labels.model_version }} waits for a person's approval.",
            "The start, or the step to 100 %, as its plan says.",
        ),
    ),
)
