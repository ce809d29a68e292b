"""What is worth telling of a change of status. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from clinical_ner.rollout.custom_resources.conditions import camel
from clinical_ner.rollout.explanation import describe_step
from clinical_ner.rollout.status import Phase, RolloutStatus, Verdict

_BAD = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.FAILED})
_VERDICTS: dict[Verdict, str] = {"pass": "AnalysisPassed", "fail": "AnalysisFailed", "inconclusive": "AnalysisInconclusive"}


class Telling(NamedTuple):
    """One event: a ``reason`` for programs, a ``note`` for people, and whether somebody should look."""

    reason: str
    note: str
    warning: bool = False


def tellings(before: RolloutStatus, after: RolloutStatus) -> Iterator[Telling]:
    """One for each step that passed, each new verdict, and each change of phase or step."""
    for record in after.steps[len(before.steps) :]:
        yield Telling("StepPassed", describe_step(record))
    analysis = after.hold.analysis if after.hold else None
    if analysis and analysis.verdict != _verdict(before, after.step):
        yield Telling(_VERDICTS[analysis.verdict], analysis.reason, analysis.verdict == "fail")
    if (before.phase, before.step) != (after.phase, after.step):
        waits = f"; it waits for {after.waits_for}" if after.waits_for else ""
        yield Telling(camel(after.phase), f"Step {after.step + 1}: {after.reason}{waits}", after.phase in _BAD)


def _verdict(status: RolloutStatus, step: int) -> Verdict | None:
    """The last one of this step."""
    hold = status.hold if status.step == step else None
    return hold.analysis.verdict if hold and hold.analysis else None
