"""What a hold has collected after several readings."""

from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.machine.evidence import again, begin, grow
from tests.clinical_ner.rollout.traffic import counts


def reading(at=0.0, **requests):
    """Of pods that began at 1."""
    processes = {name: counts(number) for name, number in requests.items()}
    return Counters(processes=processes, started=dict.fromkeys(requests, 1.0), read_at=at)


def test_hold_counts_a_request_once():
    """Though a pod is missing from one reading, and from that with which the hold begins again."""
    hold = begin(reading(10, a=100, b=200), None)
    hold = grow(hold, reading(15, b=210), None).hold
    hold = grow(hold, reading(20, a=220, b=310), None).hold
    assert hold.canary.sample.counts.requests == 120 + 110
    hold = again(hold, reading(25, b=310), None)
    hold = grow(hold, reading(30, a=230, b=315), None).hold
    assert hold.canary.sample.counts.requests == 5
    assert grow(hold, reading(35, a=231, b=315), None).hold.canary.sample.counts.requests == 6
