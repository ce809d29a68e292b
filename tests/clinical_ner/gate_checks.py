"""Assessments for the gate, and reading its checks."""

D, T = "DISEASE", "TREATMENT"
LABELS = [D, T]


def checks_of(report):
    return {check.name: check for check in report.checks}


def failed(report):
    return {check.name for check in report.checks if check.verdict == "fail"}
