"""Verdicts on what was counted, check by check."""

import numpy as np
import pytest

from clinical_ner.rollout.analysis.bounds import (
    Share,
    excess_high,
    excess_low,
    needed_for_share,
    ratio_of_sums,
    share_high,
    share_low,
)
from clinical_ner.rollout.analysis.expectation import Expectation, Ratio
from clinical_ner.rollout.analysis.judging import judge
from clinical_ner.rollout.analysis.looks import Look, next_look, strictness
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Calls, Histogram, Moments, Sample
from tests.clinical_ner.rollout.traffic import counts

RULES = AnalysisRules()


def verdicts(stable, canary, expectation=None, look=None):
    found = judge(stable, canary, expectation, RULES, look or Look(steps=4))
    return found.verdict, {check.name: check.verdict for check in found.checks}


def sample(requests, errors=0, **options):
    return Sample(counts=counts(requests, errors, **options))


def expecting(factor, score=1.0):
    ratios = {"DISEASE": Ratio(low=factor, high=factor)}
    return Expectation(champion="v1", entities=ratios, mean_score=Ratio(low=score, high=score))


def test_identical_canary_passes():
    """With enough requests every check does."""
    verdict, checks = verdicts(sample(20_000, 10), sample(2000, 1))
    assert (verdict, set(checks.values())) == ("pass", {"pass"})
    assert set(checks) == {"errors", "refusals", "latency p50", "latency p99", "entities DISEASE", "mean score"}


def test_few_requests_are_inconclusive_and_name_what_is_needed():
    """A hundred calls without an error do not show that fewer than one in a hundred fails."""
    found = judge(sample(9900), sample(100), None, RULES, Look(steps=4))
    errors = next(check for check in found.checks if check.name == "errors")
    assert (found.verdict, errors.verdict) == ("inconclusive", "inconclusive")
    assert 300 < errors.needed < 900
    assert f"{errors.needed:,} requests" in errors.reason


def test_no_traffic_is_inconclusive():
    """Nothing is judged of nothing."""
    verdict, checks = verdicts(sample(1000), Sample())
    assert (verdict, checks) == ("inconclusive", {"traffic": "inconclusive"})


@pytest.mark.parametrize(
    ("canary", "name"),
    [
        (sample(1000, 20), "errors"),
        (Sample(counts=counts(1000).model_copy(update={"refused": 90})), "refusals"),
        (sample(1000, slow=600), "latency p50 and latency p99"),
        (sample(1000, slow=30), "latency p99"),
        (sample(1000, entities=2), "entities DISEASE"),
        (sample(1000, score=0.6), "mean score"),
    ],
)
def test_worse_canary_fails_by_the_check_that_saw_it(canary, name):
    """And by no other."""
    verdict, checks = verdicts(sample(9000), canary)
    assert verdict == "fail"
    assert [check for check, found in checks.items() if found == "fail"] == name.split(" and ")


def test_failed_calls_of_callers_fail_a_canary_whose_server_saw_none():
    """A connection that is refused is in no counter of the server's."""
    stable = Sample(counts=counts(9000), calls=Calls(calls=9000))
    canary = Sample(counts=counts(1000), calls=Calls(calls=1050, failed=50))
    assert verdicts(stable, canary)[1]["failed calls"] == "fail"


@pytest.mark.parametrize(("stable", "canary"), [(0, 0), (9000, 0), (0, 1000), (None, 0)])
def test_gateway_that_knows_no_calls_is_no_evidence(stable, canary):
    """Its queries name another backend: that none of none failed does not pass a canary that answered; both are told."""
    before = None if stable is None else Sample(counts=counts(9000), calls=Calls(calls=stable))
    found = judge(before, Sample(counts=counts(1000), calls=Calls(calls=canary)), None, RULES, Look(steps=4))
    assert found.verdict == "inconclusive"
    assert "failed calls: the gateway knows no calls of the " in found.reason
    assert ("canary" in found.reason, "stable" in found.reason.partition("no calls")[2]) == (not canary, stable == 0)


def test_more_entities_pass_as_the_gate_measured():
    """1.5 times the entities is right when 1.5 was measured, and wrong when 1.0 was."""
    stable, canary = sample(9000, entities=4), sample(1000, entities=6)
    assert verdicts(stable, canary, expecting(1.5))[0] == "pass"
    assert verdicts(stable, canary, expecting(1.0))[1]["entities DISEASE"] == "fail"
    assert verdicts(stable, sample(1000, entities=4), expecting(2.0))[1]["entities DISEASE"] == "fail"


def test_more_entities_pass_where_the_gate_recorded_nothing():
    """Only collapse is looked for then: a model that finds more because it is better must pass."""
    assert verdicts(sample(9000), sample(1000, entities=15))[0] == "pass"


def test_rare_label_is_not_waited_for():
    """It can fail the canary, but a sample for it would take days."""
    rare = {"RARE": 3.0}
    stable = Sample(counts=counts(9000).model_copy(update={"entities": {"DISEASE": 45000.0, **rare}}))
    assert "entities RARE" not in verdicts(stable, sample(1000))[1]


def test_label_that_was_dropped_fails():
    """None found of what the stable finds often is a fault, however calm its spread looks."""
    canary = Sample(counts=counts(1000).model_copy(update={"entities": {"OTHER": 5000.0}, "entity_moments": {}}))
    assert verdicts(sample(9000), canary)[1]["entities DISEASE"] == "fail"


def test_label_expected_to_vanish_is_not_asked_for():
    """The gate saw it vanish, and approved."""
    assert "entities DISEASE" not in verdicts(sample(9000), sample(1000, entities=0), expecting(0.0))[1]


def test_first_version_is_judged_by_errors_alone():
    """There is nothing else to compare with."""
    assert verdicts(None, sample(2000)) == ("pass", {"errors": "pass", "refusals": "pass"})
    assert verdicts(None, sample(2000, 60))[0] == "fail"


def test_latency_beyond_the_buckets_is_skipped():
    """Where the last bucket holds everything, nothing can be told and nobody waits."""
    histogram = Histogram(bounds=(0.1,), counts=(0, 1000))
    both = [Sample(counts=counts(1000).model_copy(update={"latency": histogram})) for _ in range(2)]
    assert verdicts(*both)[1]["latency p50"] == "pass"


def test_looks_share_the_confidence():
    """Over any number of looks the sum stays below the whole."""
    fails = [strictness(RULES, Look(number, number, 4), labels=2) for number in range(1, 10_000)]
    assert sum(strict.fail for strict in fails) * 4 * (7 + 4) <= RULES.false_alarm
    assert sum(strict.accept for strict in fails) <= RULES.miss
    assert next_look(0) == 100
    assert next_look(1000) == 1501


def test_share_bounds_are_clopper_pearsons():
    """Against published values: 0 of 10 and 3 of 10 at 97.5 % one-sided (Clopper & Pearson 1934)."""
    assert share_high(Share(0, 10), 0.025) == pytest.approx(0.3085, abs=1e-4)
    assert share_low(Share(3, 10), 0.025) == pytest.approx(0.0667, abs=1e-4)
    assert (share_low(Share(0, 10), 0.025), share_high(Share(0, 0), 0.025)) == (0.0, 1.0)


@pytest.mark.parametrize(("stable", "canary", "alpha"), [(0.01, 0.01, 0.01), (0.001, 0.001, 0.001), (0.3, 0.3, 0.01)])
def test_excess_bounds_err_no_more_often_than_they_say(stable, canary, alpha):
    """Of draws from equal shares, those whose bound is above (below) zero are at most alpha, within its own noise."""
    generator, trials = np.random.default_rng(7), 4000
    draws = zip(generator.binomial(3000, stable, trials), generator.binomial(600, canary, trials), strict=True)
    bounds = [(Share(b, 600), Share(a, 3000)) for a, b in draws]
    for wrong in (
        sum(excess_low(own, other, alpha) > 0 for own, other in bounds),
        sum(excess_high(own, other, alpha) < 0 for own, other in bounds),
    ):
        assert wrong <= trials * alpha + 4 * (trials * alpha) ** 0.5


def test_needed_requests_are_about_those_that_pass():
    """With so many, an identical canary's bound is below what is allowed; with half of them it is not."""
    needed = needed_for_share(0.002, 0.002, 0.01, 0.005, 10)
    for requests, passes in ((needed * 1.6, True), (needed * 0.5, False)):
        bound = excess_high(Share(0.002 * requests, requests), Share(0.02 * requests, 10 * requests), 0.005)
        assert (bound < 0.01) is passes


def test_ratio_of_sums_has_the_spread_that_it_says():
    """Of requests whose notes vary in length and in what they hold, as often drawn, within a tenth."""
    generator = np.random.default_rng(3)

    def draw():
        tokens = generator.lognormal(4, 0.6, 400)
        found = generator.poisson(tokens * 0.05 * generator.gamma(3, 1 / 3, 400))
        return found, tokens

    ratios, variances = [], []
    for _ in range(600):
        found, tokens = draw()
        sums = Moments(squared=found @ found, product=found @ tokens, base_squared=tokens @ tokens)
        estimate = ratio_of_sums(found.sum(), tokens.sum(), sums)
        ratios.append(estimate.value)
        variances.append(estimate.variance)
    assert np.sqrt(np.mean(variances)) == pytest.approx(np.std(ratios), rel=0.1)
    poisson = np.mean(ratios) / (400 * np.exp(4 + 0.18))
    assert np.mean(variances) > 1.7 * poisson
