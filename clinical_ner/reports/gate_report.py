"""The gate report (Markdown): the verdict, one row a check, and champion beside challenger."""

from markupsafe import Markup

from clinical_ner.gate import GateReport
from clinical_ner.gate.comparison import F1, REVIEWED
from clinical_ner.reports.theme import render_markdown

MARKS = {
    "pass": Markup("✓ pass"),
    "fail": Markup("✗ **fail**"),
    "warn": Markup("⚠ warn"),
    "skipped": Markup("skipped"),
}
JUDGED_ON = {"reference test notes": F1, "reviewed notes": REVIEWED + F1}
"""Notes by the row of the comparison that holds their F1."""


def render_gate_report(report: GateReport, *, model: str = "") -> str:
    """Markdown; checks that failed stand first, in the order in which the gate asked.

    Both judgements of a retrain, on the reference test notes and on the reviewed ones, stand in one table.
    """
    order = ["fail", "warn", "pass", "skipped"]
    return render_markdown(
        "gate_report",
        model=model,
        report=report,
        checks=sorted(report.checks, key=lambda check: order.index(check.verdict)),
        tally={verdict: sum(check.verdict == verdict for check in report.checks) for verdict in order},
        marks=MARKS,
        judgements=_judgements(report),
    )


def _judgements(report: GateReport) -> dict[str, dict[str, float]]:
    """F1 with its difference on each set of notes; gates of earlier releases kept no difference."""
    rows = {notes: report.comparison.get(name, {}) for notes, name in JUDGED_ON.items()}
    return {notes: row for notes, row in rows.items() if "difference" in row}
