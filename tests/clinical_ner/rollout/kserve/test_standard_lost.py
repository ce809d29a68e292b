"""A service in Standard mode that was deleted and made anew, without a model."""

import pytest

from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES
from clinical_ner.rollout.status import Phase
from tests.doubles.kserve.harness import MODEL, SERVICE, create_service

pytestmark = pytest.mark.slow


def test_lost_service_gets_the_live_version_again(stage):
    """All that people do is ask: it is loaded and promoted, and the registry's versions stay as they are."""
    stage.calls_may_fail, before = True, stage.registry.states(MODEL).changes  # without a service nobody is answered
    stage.harness.api.delete(INFERENCE_SERVICES, SERVICE)
    stage.harness.wait(lambda: not stage.harness.processes({}), "pods are left")
    create_service(stage.harness.kubernetes, stage.harness.namespace, stage.harness.overlay)
    stage.ask_for_live()
    ended = stage.run()
    assert ended.phase is Phase.SUCCEEDED, ended.reason
    seen = stage.target.observe()
    assert (seen.stable.version, seen.stable.ready, seen.canary) == ("v1", True, None)
    assert stage.registry.states(MODEL).changes == before
