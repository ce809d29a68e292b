"""Differences of readings: what was added, whoever restarted, came or went meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.rollout.counting.counters import Calls, Counters, Counts, Histogram, add, difference
from tests.clinical_ner.rollout.traffic import counts

AMOUNTS = st.integers(0, 1000)


@given(before=AMOUNTS, more=AMOUNTS, errors=AMOUNTS)
def test_difference_is_what_was_added(before, more, errors):
    """Every field, and nothing of what was there before."""
    earlier = Counters(processes={"a": counts(before)})
    later = Counters(processes={"a": add((counts(before), counts(more, errors)))})
    increase = difference(later, earlier)
    assert increase.counts.requests == more
    assert increase.counts.errors == errors
    assert increase.counts.latency.total == more
    assert increase.counts.entities.get("DISEASE", 0) == 5 * more
    assert increase.restarted == ()


@given(before=st.integers(1, 1000), after=AMOUNTS)
def test_difference_after_a_restart_is_all_that_the_new_process_has(before, after):
    """By its start, even when it has counted more than the old one by now."""
    earlier = Counters(processes={"a": counts(before)}, started={"a": 100.0})
    increase = difference(Counters(processes={"a": counts(after)}, started={"a": 200.0}), earlier)
    assert increase.restarted == ("a",)
    assert increase.counts.requests == after


def test_difference_tells_a_restart_by_a_count_that_fell():
    """Where no start is known."""
    increase = difference(Counters(processes={"a": counts(3)}), Counters(processes={"a": counts(7)}))
    assert (increase.restarted, increase.counts.requests) == (("a",), 3)


def test_difference_is_not_fooled_by_processes_that_come_and_go():
    """Scaling up or down is no restart, though the sum falls."""
    earlier = Counters(processes={"a": counts(500), "b": counts(400)})
    increase = difference(Counters(processes={"b": counts(410), "c": counts(5)}), earlier)
    assert (increase.restarted, increase.counts.requests) == ((), 15)


def test_difference_of_callers_survives_a_gateway_that_restarts():
    """Its counts begin anew; the canary did not."""
    earlier = Counters(callers={"gate": Calls(calls=100, failed=2)})
    increase = difference(Counters(callers={"gate": Calls(calls=10, failed=1)}), earlier)
    assert (increase.calls, increase.restarted) == (Calls(calls=10, failed=1), ())


def test_add_keeps_histograms_of_other_buckets_apart():
    """Versions of the server with other buckets cannot be added; what has more observations stays."""
    one = Counts(latency=Histogram(bounds=(1.0,), counts=(5, 0)))
    other = Counts(latency=Histogram(bounds=(2.0,), counts=(9, 0)))
    assert add((one, other)).latency.bounds == (2.0,)
