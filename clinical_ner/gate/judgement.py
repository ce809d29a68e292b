"""All checks together, and one word."""

from clinical_ner.gate.candidates import Candidate, ReviewedNotes
from clinical_ner.gate.checks import champion_checks, data_check, label_checks, size_check, slice_checks
from clinical_ner.gate.comparison import REVIEWED, Rows, compare
from clinical_ner.gate.report import GateReport
from clinical_ner.gate.reviewed_checks import reviewed_checks
from clinical_ner.gate.thresholds import GateThresholds


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    thresholds: GateThresholds,
    *,
    champion_version: str = "",
    contaminated: int = 0,
    reviewed: ReviewedNotes | None = None,
) -> GateReport:
    """Answer every check; any ``fail`` rejects.

    ``contaminated`` is the number of test documents whose text the champion was trained on. With ``reviewed`` notes a
    challenger is judged twice: not worse on the test set, and better on those.
    """
    checks = [
        *label_checks(challenger.evaluation, thresholds),
        *slice_checks(challenger.evaluation, thresholds),
        data_check(challenger.evaluation, thresholds),
        size_check(challenger, thresholds),
        *champion_checks(challenger, champion, thresholds, contaminated),
        *reviewed_checks(reviewed, champion, thresholds),
    ]
    return GateReport(
        verdict="reject" if any(check.verdict == "fail" for check in checks) else "approve",
        checks=tuple(checks),
        champion=champion_version,
        comparison=_rows(challenger, champion, reviewed),
    )


def _rows(challenger: Candidate, champion: Candidate | None, reviewed: ReviewedNotes | None) -> Rows:
    if champion is None:
        return {}
    rows = compare(challenger, champion)
    return rows | compare(reviewed.challenger, reviewed.champion, REVIEWED) if reviewed else rows
