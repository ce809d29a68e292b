"""Canary against stable: pass, fail or inconclusive, with numbers.

Each check asks twice. Is the canary worse than *tolerated*, beyond noise? Then the step fails. Is it better than *allowed*,
beyond noise? Then the check passes. Neither: more requests are needed, and the step goes on.
"""

from clinical_ner.rollout.analysis.expectation import Expectation
from clinical_ner.rollout.analysis.looks import Look, strictness
from clinical_ner.rollout.analysis.output_checks import output_checks
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.analysis.traffic_checks import traffic_checks
from clinical_ner.rollout.counting.counters import Sample
from clinical_ner.rollout.status import Analysis, Check, Verdict

_NO_TRAFFIC = Check(
    name="traffic",
    verdict="inconclusive",
    value="0 requests",
    threshold="at least 1",
    needed=1,
    reason="no request of the canary's was counted: there is nothing to judge",
)


def judge(stable: Sample | None, canary: Sample, expectation: Expectation | None, rules: AnalysisRules, look: Look) -> Analysis:
    """Judge what was counted in one step; ``stable`` is None when there is nothing to compare with (a first version).

    Fails if one check fails, passes if none is inconclusive.
    """
    if not canary.counts.requests:
        return Analysis(verdict="inconclusive", checks=(_NO_TRAFFIC,), look=look.number)
    strict = strictness(rules, look, len(stable.counts.entities) if stable else 0)
    checks = (*traffic_checks(stable, canary, rules, strict), *output_checks(stable, canary, expectation, rules, strict))
    return Analysis(verdict=_overall(checks), checks=checks, look=look.number)


def _overall(checks: tuple[Check, ...]) -> Verdict:
    verdicts = {check.verdict for check in checks}
    return "fail" if "fail" in verdicts else "inconclusive" if "inconclusive" in verdicts else "pass"
