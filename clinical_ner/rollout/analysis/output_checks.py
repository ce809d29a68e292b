"""Entities per token by label, and the mean score: what the model says, canary against stable and expectation."""

from statistics import NormalDist
from typing import NamedTuple

from clinical_ner.rollout.analysis.bounds import RatioOfSums, is_above, is_below, mean_of_entities, ratio_of_sums
from clinical_ner.rollout.analysis.expectation import Expectation, Ratio
from clinical_ner.rollout.analysis.looks import Strictness
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Counts, Moments, Sample
from clinical_ner.rollout.status import Check, Verdict

MIN_REQUESTS = 30
"""Of both versions, before a sum's spread can be told from itself and is near enough to a normal one."""
MIN_ENTITIES = 20.0


class Band(NamedTuple):
    """Factors of the stable's value between which the canary's is tolerated, and allowed; None bounds nothing."""

    tolerated: tuple[float, float | None]
    allowed: tuple[float, float | None]


def output_checks(
    stable: Sample | None, canary: Sample, expectation: Expectation | None, rules: AnalysisRules, strict: Strictness
) -> list[Check]:
    """A check for each label that the stable finds, and one for the score; none without a stable."""
    if stable is None:
        return []
    before, now = stable.counts, canary.counts
    enough = min(before.requests, now.requests) >= MIN_REQUESTS and sum(before.entities.values()) >= MIN_ENTITIES
    if not enough:
        return [_too_few(before, now)]
    checks = [_label_check(label, before, now, expectation, rules, strict) for label in sorted(before.entities)]
    checks.append(_score_check(before, now, expectation, rules, strict))
    return [check for check in checks if check]


def _too_few(stable: Counts, canary: Counts) -> Check:
    entities = sum(stable.entities.values())
    return Check(
        name="entities",
        verdict="inconclusive",
        value=f"{canary.requests:,.0f} requests (stable: {stable.requests:,.0f}, with {entities:,.0f} entities)",
        threshold=f"{MIN_REQUESTS} requests of each, {MIN_ENTITIES:.0f} entities of the stable's",
        needed=MIN_REQUESTS,
        reason="too few to compare what the models find",
    )


def _label_check(
    label: str, stable: Counts, canary: Counts, expectation: Expectation | None, rules: AnalysisRules, strict: Strictness
) -> Check | None:
    """None for a label that is expected to vanish, and for a rare one while it shows no fault: nobody waits for its sample."""
    expected = expectation.entities.get(label) if expectation else None
    if not stable.entities[label] or (expected and expected.low <= 0):
        return None
    band = _two_sided(expected, rules.tolerated_entities, rules.allowed_entities)
    if not expected:
        band = _one_sided(rules.tolerated_collapse_entities, rules.allowed_collapse_entities)
    check = _compare(
        f"entities {label}",
        _entities(label, stable),
        _entities(label, canary),
        band,
        strict,
        requests=canary.requests,
        scale=100,
    )
    rare = stable.entities[label] < rules.min_label_share * sum(stable.entities.values())
    return None if rare and check.verdict == "inconclusive" else check


def _score_check(
    stable: Counts, canary: Counts, expectation: Expectation | None, rules: AnalysisRules, strict: Strictness
) -> Check | None:
    """None while the canary has found so few entities that only their number can be judged."""
    expected = expectation.mean_score if expectation else None
    if sum(canary.entities.values()) < MIN_ENTITIES:
        return None
    band = _two_sided(expected, rules.tolerated_score, rules.allowed_score)
    if not expected:
        band = _one_sided(rules.tolerated_collapse_score, rules.allowed_collapse_score)
    return _compare("mean score", _mean_score(stable), _mean_score(canary), band, strict, requests=canary.requests)


def _entities(label: str, counts: Counts) -> RatioOfSums:
    return ratio_of_sums(counts.entities.get(label, 0.0), counts.tokens, counts.entity_moments.get(label, Moments()))


def _mean_score(counts: Counts) -> RatioOfSums:
    return mean_of_entities(counts.scores, sum(counts.entities.values()), counts.score_moments)


def _two_sided(expected: Ratio | None, tolerated: float, allowed: float) -> Band:
    ratio = expected or Ratio(low=1.0, high=1.0)
    return Band((ratio.low / tolerated, ratio.high * tolerated), (ratio.low / allowed, ratio.high * allowed))


def _one_sided(tolerated: float, allowed: float) -> Band:
    return Band((1 / tolerated, None), (1 / allowed, None))


def _compare(
    name: str, stable: RatioOfSums, canary: RatioOfSums, band: Band, strict: Strictness, *, requests: float, scale: float = 1
) -> Check:
    verdict = _verdict(stable, canary, band, strict)
    unit = " per 100 tokens" if scale == 100 else ""
    ratio = canary.value / stable.value
    needed = round(requests * _growth(stable, canary, band, strict))
    words = {
        "fail": "outside of what is tolerated, beyond noise",
        "pass": "inside of what is allowed, beyond noise",
        "inconclusive": f"not told from noise yet; some {needed:,} requests tell",
    }[verdict]
    return Check(
        name=name,
        verdict=verdict,
        value=f"{canary.value * scale:.3g}{unit} (stable: {stable.value * scale:.3g})",
        threshold=f"tolerated {_show(band.tolerated)}, allowed {_show(band.allowed)} times the stable's",
        needed=needed,
        reason=f"{ratio:.2f} times the stable's is {words}",
    )


def _verdict(stable: RatioOfSums, canary: RatioOfSums, band: Band, strict: Strictness) -> Verdict:
    low, high = band.tolerated
    if is_below(canary, stable, low, strict.fail) or (high and is_above(canary, stable, high, strict.fail)):
        return "fail"
    low, high = band.allowed
    inside = is_above(canary, stable, low, strict.accept) and (not high or is_below(canary, stable, high, strict.accept))
    return "pass" if inside else "inconclusive"


def _growth(stable: RatioOfSums, canary: RatioOfSums, band: Band, strict: Strictness) -> float:
    """How many times the sample so far an identical canary needs, at the stable's spread, for noise within the band's room."""
    if not (stable.value and canary.base):
        return 1.0
    low, high = band.allowed
    room = min(1 - low, high - 1) if high and low < 1 < high else (high - low) / 2 if high else 1 - low
    spread = stable.variance * stable.base * (1 / canary.base + 1 / stable.base) / stable.value**2
    return spread * (NormalDist().inv_cdf(1 - strict.accept) / room) ** 2


def _show(band: tuple[float, float | None]) -> str:
    low, high = band
    return f"{low:.2f} to {high:.2f}" if high else f"{low:.2f} or more"
