"""All checks together, and one word."""

from clinical_ner.gate.candidates import Candidate
from clinical_ner.gate.checks import champion_checks, data_check, label_checks, size_check, slice_checks
from clinical_ner.gate.report import GateReport
from clinical_ner.gate.thresholds import GateThresholds


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    thresholds: GateThresholds,
    *,
    champion_version: str = "",
    contaminated: int = 0,
) -> GateReport:
    """Answer every check; any ``fail`` rejects.

    ``contaminated`` is the number of test documents whose text the champion was trained on.
    """
    checks = [
        *label_checks(challenger.evaluation, thresholds),
        *slice_checks(challenger.evaluation, thresholds),
        data_check(challenger.evaluation, thresholds),
        size_check(challenger, thresholds),
        *champion_checks(challenger, champion, thresholds, contaminated),
    ]
    return GateReport(
        verdict="reject" if any(check.verdict == "fail" for check in checks) else "approve",
        checks=tuple(checks),
        champion=champion_version,
        comparison=_compare(challenger, champion) if champion else {},
    )


def _compare(challenger: Candidate, champion: Candidate) -> dict[str, dict[str, float]]:
    rows = {"strict.f1": (champion.evaluation.strict.f1, challenger.evaluation.strict.f1)}
    rows["mean_score"] = (champion.evaluation.mean_score, challenger.evaluation.mean_score)
    old, new = champion.evaluation.entities_per_100_tokens, challenger.evaluation.entities_per_100_tokens
    for label in sorted({*old, *new}):
        rows[f"entities_per_100_tokens.{label}"] = (old.get(label, 0.0), new.get(label, 0.0))
    return {name: _side_by_side(*values) for name, values in rows.items()}


def _side_by_side(champion: float, challenger: float) -> dict[str, float]:
    return {"champion": champion, "challenger": challenger, "ratio": challenger / champion if champion else 0.0}
