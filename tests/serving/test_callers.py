"""Callers of tests under load: whatever ends one, or a call, is a failure of the test."""

import threading

import pytest

from tests.cluster.load import Calls, load
from tests.serving.callers import calling
from tests.serving.test_lifecycle import Balancer


def fail(*_):
    raise ValueError("not of the protocol")


def test_caller_that_dies_fails_the_block():
    """Others go on until the end; then what ended the one is raised."""
    stopped = threading.Event()
    with pytest.raises(ValueError, match="not of the protocol"), calling(stopped.set, fail, stopped.wait):
        pass


def test_error_in_the_block_ends_all_callers():
    """Nobody waits for callers whom nobody stops; the block's own error is raised."""
    stopped = threading.Event()
    with pytest.raises(KeyError), calling(stopped.set, fail, stopped.wait):
        raise KeyError
    assert stopped.is_set()


class Fails:
    """Stands for a caller's way to a server that answers with what no protocol has, once."""

    def __init__(self, calls):
        self.infer = lambda _request: [calls.stop(), fail()]


def test_call_that_is_not_answered_by_the_protocol_is_a_failed_call():
    """Whatever the caller's own code makes of an answer, it is counted; by callers of pods as by those of processes."""
    calls = Calls()
    calls.call("kept", lambda: Fails(calls), 10**9)
    assert calls.failures == ["kept: ValueError('not of the protocol') "]
    balancer = Balancer("first", "second")
    balancer.call(lambda _server: [balancer.stopped.set(), fail()])
    assert (balancer.failures, balancer.calls) == (["ValueError('not of the protocol')"], {"first": 1, "second": 0})


def test_caller_that_cannot_connect_fails_the_load():
    """It has called nobody, so that there is no failed call that shows it."""
    with pytest.raises(ValueError, match="not of the protocol"), load([("kept", fail, 1)]):
        pass
