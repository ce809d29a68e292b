"""Errors, refusals and latency: shares of calls, canary against stable."""

from typing import NamedTuple

from clinical_ner.rollout.analysis.bounds import Share, excess_high, excess_low, needed_for_share, share_high, share_low
from clinical_ner.rollout.analysis.looks import Strictness
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Counts, Histogram, Sample
from clinical_ner.rollout.status import Check, Verdict

# Bounds rounded for people (0.00063, 0.00125) are taken as the double of each other.
_ROUNDING = 0.97
FAILED_CALLS = "failed calls"


class Limits(NamedTuple):
    """Excess of the canary's share over the stable's that is tolerated, and that is allowed."""

    tolerated: float
    allowed: float


def traffic_checks(stable: Sample | None, canary: Sample, rules: AnalysisRules, strict: Strictness) -> list[Check]:
    """Checks of calls; without a stable, errors and refusals alone, against the limits themselves."""
    errors = Limits(rules.tolerated_errors, rules.allowed_errors)
    refusals = Limits(rules.tolerated_refusals, rules.allowed_refusals)
    before, now = stable.counts if stable else None, canary.counts
    checks = [
        _compare("errors", _errors(now), _errors(before) if before else None, errors, strict),
        _compare("refusals", _refusals(now), _refusals(before) if before else None, refusals, strict),
    ]
    if canary.calls is not None:
        checks.append(_failed_calls(stable, canary, errors, strict))
    if before:
        checks += latency_checks(before.latency, now.latency, rules, strict)
    return checks


def latency_checks(stable: Histogram, canary: Histogram, rules: AnalysisRules, strict: Strictness) -> list[Check]:
    """p50 and p99, each as a share, so that nothing is interpolated within a bucket.

    The canary's quantile is at most ``slower`` times the stable's when its share of calls beyond ``slower`` times the stable's
    quantile is no more than the stable's share beyond that quantile. Quantiles and multiples are those bounds of buckets that
    are next above, which the check names.
    """
    median = Limits(rules.tolerated_slow_median, rules.allowed_slow_median)
    tail = Limits(rules.tolerated_slow_tail, rules.allowed_slow_tail)
    return [
        _slower("latency p50", 0.50, stable, canary, rules.slower, median, strict),
        _slower("latency p99", 0.01, stable, canary, rules.slower, tail, strict),
    ]


def _slower(
    name: str, beyond: float, stable: Histogram, canary: Histogram, slower: float, limits: Limits, strict: Strictness
) -> Check:
    threshold = f"at most {slower:g} times the stable's"
    if not stable.total or stable.bounds != canary.bounds:
        why = "the stable has answered nothing yet" if canary.bounds == stable.bounds or not stable.total else "other buckets"
        return Check(name=name, verdict="inconclusive", value="unknown", threshold=threshold, reason=f"not comparable: {why}")
    quantile = next((i for i in range(len(stable.bounds)) if stable.above(i) <= beyond * stable.total), None)
    limit = None if quantile is None else _index_at(stable.bounds, stable.bounds[quantile] * slower)
    if quantile is None or limit is None:
        why = f"the stable's lies above {stable.bounds[-1] / slower:g} s, where buckets tell nothing: skipped"
        return Check(name=name, verdict="pass", value="unknown", threshold=threshold, reason=why)
    own, reference = Share(canary.above(limit), canary.total), Share(stable.above(quantile), stable.total)
    found = _compare(name, own, reference, limits, strict)
    below, above = _milliseconds(stable.bounds[quantile]), _milliseconds(stable.bounds[limit])
    value = f"{_percent(own)} slower than {above} (stable: {_percent(reference)} slower than {below})"
    return found.model_copy(update={"value": value, "threshold": f"{threshold}: {found.threshold}"})


def _index_at(bounds: tuple[float, ...], value: float) -> int | None:
    return next((i for i, bound in enumerate(bounds) if bound >= value * _ROUNDING), None)


def _errors(counts: Counts) -> Share:
    return Share(counts.errors, counts.requests)


def _refusals(counts: Counts) -> Share:
    return Share(counts.refused, counts.requests)


def _failed_calls(stable: Sample | None, canary: Sample, limits: Limits, strict: Strictness) -> Check:
    """As callers saw them. A gateway that counts no calls of who answered some does not show that none failed."""
    own, reference = _failed(canary), _failed(stable) if stable else None
    unknown = [name for name, share in (("canary", own), ("stable", reference)) if share is not None and not share.total]
    if not unknown:
        return _compare(FAILED_CALLS, own, reference, limits, strict)
    reason = f"the gateway knows no calls of the {' and the '.join(unknown)}: do its queries name the version's backend?"
    return Check(name=FAILED_CALLS, verdict="inconclusive", value="unknown", threshold="calls are known", reason=reason)


def _failed(sample: Sample) -> Share:
    return Share(sample.calls.failed, sample.calls.calls) if sample.calls else Share(0.0, 0.0)


def _compare(name: str, canary: Share, stable: Share | None, limits: Limits, strict: Strictness) -> Check:
    """A check of one share; ``stable`` None compares the canary's with the limits alone."""
    low = share_low(canary, strict.fail) if stable is None else excess_low(canary, stable, strict.fail)
    high = share_high(canary, strict.accept) if stable is None else excess_high(canary, stable, strict.accept)
    verdict: Verdict = "fail" if low > limits.tolerated else "pass" if high < limits.allowed else "inconclusive"
    reference = stable or Share(0.0, 0.0)
    per_canary = reference.total / canary.total if canary.total and stable else 1e9
    # A little more than was seen, since none seen is not none; and of a canary that is no worse than the stable.
    usual = (reference.hits + 1) / (reference.total + 2)
    needed = needed_for_share(min(canary.value, usual), usual, limits.allowed, strict.accept, per_canary)
    beyond = "more than the stable" if stable else "in all"
    reason = {
        "fail": f"at least {low:.2%} {beyond}, beyond noise",
        "pass": f"at most {max(high, 0.0):.2%} {beyond}",
        "inconclusive": f"between {low:.2%} and {high:.2%} {beyond}, so far; some {needed:,} requests tell",
    }[verdict]
    return Check(
        name=name,
        verdict=verdict,
        value=_percent(canary) + (f" (stable: {_percent(stable)})" if stable else ""),
        threshold=f"tolerated {limits.tolerated:.2%}, allowed {limits.allowed:.2%} {beyond}",
        needed=needed,
        reason=reason,
    )


def _percent(share: Share) -> str:
    return f"{share.value:.2%} of {share.total:,.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:g} ms"
