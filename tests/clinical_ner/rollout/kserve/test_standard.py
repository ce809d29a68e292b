"""The target of Standard mode, by the suite of all targets, against the double of KServe's controller on a real API server."""

from collections.abc import Iterator

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.clinical_ner.rollout.kserve.standard_stage import SETTLE_SECONDS, controller_config
from tests.clinical_ner.rollout.target_conformance import TargetConformance
from tests.doubles.kserve.harness import MODEL, SERVICE, StandardHarness


@pytest.fixture(scope="module")
def harness(started, tmp_path_factory) -> Iterator[StandardHarness]:
    kubernetes = started("kserve")
    with StandardHarness(kubernetes, "standard-target") as harness:
        config = controller_config(kubernetes, harness, tmp_path_factory.mktemp("standard"))
        api = KubernetesApi.connect(harness.namespace, kubeconfig=str(config))
        harness.target = StandardTarget(api, SERVICE, MODEL, settle_seconds=SETTLE_SECONDS)
        harness.kserve.routing.as_0_20 = True  # other files have later ones; here the route by the later name is left behind
        yield harness


class TestStandardTarget(TargetConformance):
    """With the delivered rights; simulated calls fail where no ready pod is behind what the routes name."""
