"""Differences of readings: what was added, whoever restarted, came or went meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.rollout.counting.counters import Calls, Counters, Counts, Histogram, add, difference, merge
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
    earlier = Counters(processes={"a": counts(500), "b": counts(400)}, read_at=100)
    increase = difference(Counters(processes={"b": counts(410), "c": counts(5)}, started={"c": 101.0}), earlier)
    assert (increase.restarted, increase.counts.requests) == ((), 15)


def test_process_that_is_missing_from_a_reading_is_not_counted_again():
    """Its scrape failed: what it had is known from before, what it gained meanwhile is added when it is back."""
    first = Counters(processes={"a": counts(100), "b": counts(200)}, callers={"gate": Calls(calls=300)}, read_at=9)
    without = Counters(processes={"b": counts(250)}, callers={})
    back = Counters(processes={"a": counts(220), "b": counts(310)}, callers={"gate": Calls(calls=530)})
    known = merge(without, first)
    steps = [difference(without, first), difference(back, known)]
    assert sum(each.counts.requests for each in steps) == 120 + 110
    assert sum(each.calls.calls for each in steps) == 230
    assert known.read_at == 9


def test_process_that_was_missing_at_first_brings_nothing_of_before():
    """A pod of weeks that was not ready when the counting began, and a gateway of which nothing was known."""
    earlier = Counters(processes={"a": counts(10)}, read_at=1000)
    processes, started = {"a": counts(15), "b": counts(9000)}, {"a": 1.0, "b": 2.0}
    later = Counters(processes=processes, started=started, callers={"gate": Calls(calls=9000, failed=7)})
    increase = difference(later, earlier)
    assert (increase.counts.requests, increase.calls) == (5, Calls())
    more = Counters(processes={**processes, "b": counts(9003)}, started=started, callers={"gate": Calls(calls=9003, failed=8)})
    increase = difference(more, merge(later, earlier))
    assert (increase.counts.requests, increase.calls) == (3, Calls(calls=3, failed=1))


def test_other_process_under_an_address_that_was_free_is_no_restart():
    """It is a new one, and all that it has was counted since."""
    first = Counters(processes={"a": counts(100), "b": counts(9)}, started={"a": 1.0, "b": 1.0}, read_at=10)
    without = merge(Counters(processes={"b": counts(9)}, started={"b": 1.0}), first)
    increase = difference(Counters(processes={"a": counts(4)}, started={"a": 20.0}), without)
    assert (increase.restarted, increase.counts.requests) == ((), 4)


def test_merged_reading_does_not_grow_for_ever():
    """Of processes that are gone the latest are kept."""
    known = Counters(processes={"0": counts(1)})
    for number in range(1, 200):
        known = merge(Counters(processes={str(number): counts(1)}), known)
    assert list(known.processes) == [str(number) for number in range(149, 200)]


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
