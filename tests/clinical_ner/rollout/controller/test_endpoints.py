"""What a controller answers."""

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Gauge

from clinical_ner.rollout.controller.endpoints import answering


def read(port, path):
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def test_health_is_of_the_loop():
    """Asked anew each time: a loop that goes on again is well again."""
    healthy = [True]
    with answering(0, CollectorRegistry(), lambda: healthy[0]) as port:
        assert read(port, "/healthz") == "ok\n"
        healthy[0] = False
        with pytest.raises(HTTPError, match="503"):
            read(port, "/healthz")
        healthy[0] = True
        assert read(port, "/healthz?verbose") == "ok\n"


def test_metrics_are_those_of_the_registry():
    """And of no other."""
    registry = CollectorRegistry()
    Gauge("one", "A number.", registry=registry).set(7)
    with answering(0, registry, lambda: True) as port:
        assert "\none 7.0" in read(port, "/metrics")
        with pytest.raises(HTTPError, match="404"):
            read(port, "/")


def test_port_that_is_taken_is_told():
    """Two controllers of one machine need two."""
    with (
        answering(0, CollectorRegistry(), lambda: True) as port,
        pytest.raises(OSError, match="in use"),
        answering(port, CollectorRegistry(), lambda: True),
    ):
        pass
