"""A status as conditions, for tools that know no rollouts (``kubectl wait``, Argo CD, Flux). Pure.

``Ready``, ``Reconciling`` and ``Stalled`` are what such tools look for
(https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md); the others are a rollout's own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from clinical_ner.rollout.status import Phase, RolloutStatus, Verdict

MAX_MESSAGE = 32768
"""Characters (https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition)."""

_TRUTHS: dict[Verdict, tuple[Literal["True", "False", "Unknown"], str]] = {
    "pass": ("True", "Passed"),
    "fail": ("False", "Failed"),
    "inconclusive": ("Unknown", "Inconclusive"),
}


class Said(NamedTuple):
    """One condition without its times."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def conditions_of(
    status: RolloutStatus, before: Iterable[Mapping[str, Any]], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """All conditions; one whose truth is as in ``before`` keeps the time since when it is so."""
    known = {each.get("type"): each for each in before}
    return [_written(said, known.get(said.type, {}), generation, now) for said in say(status)]


def say(status: RolloutStatus) -> list[Said]:
    """What holds of a status."""
    reason, succeeded = camel(status.phase), status.phase is Phase.SUCCEEDED
    stalled = status.ended and not succeeded
    return [
        Said("Ready", _truth(succeeded), reason, status.reason),
        Said("Reconciling", _truth(not status.ended), reason, status.waits_for),
        Said("Stalled", _truth(stalled), reason, status.reason if stalled else ""),
        _analysed(status),
        Said(
            "Observed", _truth(not status.problems), "Problems" if status.problems else "Answered", "; ".join(status.problems)
        ),
    ]


def camel(phase: Phase) -> str:
    """``RollingBack`` for rolling-back: as reasons are spelled."""
    return "".join(word.capitalize() for word in phase.split("-"))


def _analysed(status: RolloutStatus) -> Said:
    """Of the step under way, or of the last one that was judged."""
    analysis = status.hold.analysis if status.hold else status.steps[-1].analysis if status.steps else None
    if analysis is None:
        return Said("Analysed", "Unknown", "NotJudged", "")
    return Said("Analysed", *_TRUTHS[analysis.verdict], analysis.reason)


def _truth(holds: bool) -> Literal["True", "False"]:
    return "True" if holds else "False"


def _written(said: Said, before: Mapping[str, Any], generation: int, now: datetime) -> dict[str, Any]:
    same = before.get("status") == said.status and before.get("lastTransitionTime")
    return {
        **said._asdict(),
        "message": said.message[:MAX_MESSAGE],
        "lastTransitionTime": before["lastTransitionTime"] if same else f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "observedGeneration": generation,
    }
