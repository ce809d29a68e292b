from clinical_ner.gate import GateCheck, GateReport
from clinical_ner.reports.gate_report import render_gate_report
from tests.clinical_ner.reports.markdown_tables import html, tables

PASSED = GateCheck(name="F1 of DISEASE", threshold=">= 0.600", value="0.812", verdict="pass", reason="fine")
FAILED = GateCheck(name="F1 of A|B", threshold=">= 0.600", value="0.312", verdict="fail", reason="<b>too | low")


def report(verdict, *checks, **values) -> GateReport:
    return GateReport(verdict=verdict, checks=checks, **{"champion": "", "comparison": {}} | values)


def test_gate_report_begins_with_the_verdict():
    """Whoever opens it reads the answer first."""
    assert render_gate_report(report("approve", PASSED), model="clinical-ner").startswith(
        "# Quality gate of clinical-ner: ✓ approve\n"
    )
    rejected = render_gate_report(report("reject", PASSED, FAILED))
    assert rejected.startswith("# Quality gate: ✗ reject\n")
    assert "1 of 2 checks failed" in rejected


def test_gate_report_has_one_row_a_check_failures_first():
    """Threshold, value, verdict and reason stand in their columns, whatever characters they hold."""
    (rows,) = tables(render_gate_report(report("reject", PASSED, FAILED)))
    assert rows == [
        ["Check", "Threshold", "Value", "Verdict", "Reason"],
        ["F1 of A|B", ">= 0.600", "0.312", "✗ fail", "<b>too | low"],
        ["F1 of DISEASE", ">= 0.600", "0.812", "✓ pass", "fine"],
    ]


def test_gate_report_runs_no_markup_of_a_reason():
    """A tag in a reason is text."""
    assert "<b>" not in html(render_gate_report(report("reject", FAILED)))


def test_gate_report_sets_champion_and_challenger_side_by_side():
    """One row a measure, with the ratio that a canary should show."""
    row = {"champion": 4.0, "challenger": 5.0, "ratio": 1.25}
    text = render_gate_report(report("approve", PASSED, champion="v3", comparison={"entities_per_100_tokens.DISEASE": row}))
    assert tables(text)[1][1:] == [["entities_per_100_tokens.DISEASE", "4.000", "5.000", "1.250"]]
    assert "champion `v3`" in text


def test_gate_report_without_champion_says_so():
    """No comparison is made up."""
    text = render_gate_report(report("approve", PASSED))
    assert "No champion" in text
    assert len(tables(text)) == 1


def test_gate_report_without_checks_is_still_a_report():
    """An empty table is no error."""
    assert tables(render_gate_report(report("approve"))) == [[["Check", "Threshold", "Value", "Verdict", "Reason"]]]


def test_gate_report_shows_both_judgements_side_by_side():
    """F1, its difference and its interval on the reference test notes and on the reviewed ones, a line each."""
    comparison = {
        "strict.f1": {"champion": 0.8, "challenger": 0.79, "ratio": 0.99, "difference": -0.01, "low": -0.015, "high": 0.002},
        "reviewed.strict.f1": {"champion": 0.5, "challenger": 0.7, "ratio": 1.4, "difference": 0.2, "low": 0.11, "high": 0.3},
    }
    text = render_gate_report(report("approve", PASSED, champion="v3", comparison=comparison))
    assert tables(text)[1] == [
        ["Judged on", "Champion", "Challenger", "Difference", "95 % interval"],
        ["reference test notes", "0.800", "0.790", "-0.010", "-0.015 to +0.002"],
        ["reviewed notes", "0.500", "0.700", "+0.200", "+0.110 to +0.300"],
    ]
    assert "Rows under `reviewed.`" in text
    del comparison["reviewed.strict.f1"]
    once = render_gate_report(report("approve", PASSED, champion="v3", comparison=comparison))
    assert len(tables(once)[1]) == 2
    assert "reviewed" not in once
