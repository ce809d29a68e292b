"""Champion and challenger side by side on the same notes, as numbers by name."""

from clinical_ner.gate.candidates import Performance, compare_f1

F1 = "strict.f1"
REVIEWED = "reviewed."

Rows = dict[str, dict[str, float]]


def compare(challenger: Performance, champion: Performance, prefix: str = "") -> Rows:
    """Rows of :attr:`GateReport.comparison`, their names under ``prefix``."""
    found = compare_f1(challenger, champion)
    interval = {"difference": found.difference, "low": found.low, "high": found.high}
    rows = {F1: _side_by_side(found.champion, found.challenger) | interval}
    rows["mean_score"] = _side_by_side(champion.evaluation.mean_score, challenger.evaluation.mean_score)
    old, new = champion.evaluation.entities_per_100_tokens, challenger.evaluation.entities_per_100_tokens
    for label in sorted({*old, *new}):
        rows[f"entities_per_100_tokens.{label}"] = _side_by_side(old.get(label, 0.0), new.get(label, 0.0))
    return {prefix + name: row for name, row in rows.items()}


def _side_by_side(champion: float, challenger: float) -> dict[str, float]:
    return {"champion": champion, "challenger": challenger, "ratio": challenger / champion if champion else 0.0}
