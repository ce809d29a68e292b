"""The gate report (Markdown): the verdict, one row a check, and champion beside challenger."""

from markupsafe import Markup

from clinical_ner.gate import GateReport
from clinical_ner.reports.theme import render_markdown

MARKS = {
    "pass": Markup("✓ pass"),
    "fail": Markup("✗ **fail**"),
    "warn": Markup("⚠ warn"),
    "skipped": Markup("skipped"),
}


def render_gate_report(report: GateReport, *, model: str = "") -> str:
    """Markdown; checks that failed stand first, in the order in which the gate asked."""
    order = ["fail", "warn", "pass", "skipped"]
    return render_markdown(
        "gate_report",
        model=model,
        report=report,
        checks=sorted(report.checks, key=lambda check: order.index(check.verdict)),
        tally={verdict: sum(check.verdict == verdict for check in report.checks) for verdict in order},
        marks=MARKS,
    )
