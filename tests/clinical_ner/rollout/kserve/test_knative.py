"""The target of KServe's Knative mode, by the suite of all targets, against a double of KServe's and Knative's controllers."""

from collections.abc import Iterator

import pytest

from clinical_ner.rollout.kserve.knative import KnativeTarget
from tests.clinical_ner.rollout.target_conformance import TargetConformance
from tests.doubles.kserve.harness import KnativeHarness
from tests.servers.kubernetes import Kubernetes


@pytest.fixture(scope="module")
def harness(started) -> Iterator[KnativeHarness]:
    newest: Kubernetes = started("kserve")
    with KnativeHarness(newest, "knative-target", KnativeTarget) as running:
        yield running


class TestKnativeTarget(TargetConformance):
    """A real API server, with everything that KServe and Knative do in it."""

    abort_renews_stable = True
