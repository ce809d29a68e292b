"""The target of Standard mode, by the suite of all targets, against the double of KServe's controller on a real API server."""

from collections.abc import Iterator

import pytest

from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.clinical_ner.rollout.target_conformance import TargetConformance
from tests.doubles.kserve.harness import StandardHarness

SETTLE_SECONDS = 0.3  # the double's gateway follows a route within 0.2


@pytest.fixture(scope="module")
def harness(started) -> Iterator[StandardHarness]:
    def make_target(api, service, model):
        return StandardTarget(api, service, model, settle_seconds=SETTLE_SECONDS)

    with StandardHarness(started("kserve"), "standard-target", make_target) as harness:
        yield harness


class TestStandardTarget(TargetConformance):
    """Simulated pods and a simulated gateway: a call fails where no ready pod is behind what the route names."""
