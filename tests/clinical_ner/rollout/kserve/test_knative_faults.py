"""What may go wrong with a rollout in Knative mode; in each case no call fails that the fault itself does not make fail."""

import pytest

from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.kserve.knative_stage import KnativeModels, KnativeStage
from tests.clinical_ner.rollout.kserve.rollout_faults import RolloutFaults
from tests.doubles.kserve.harness import MODEL, SERVICE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mode():
    return KnativeModels, KnativeStage


class TestKnativeFaults(RolloutFaults):
    """Everything behind the double of Knative's control plane, with the delivered rights."""

    def test_new_process_goes_on_with_the_rollout(self, stage):
        """A target without memory takes nothing for a change, and proves again what it cannot know."""
        stage.ask_for("v2")
        for percent in (10, 50, 100):
            stage.until_phase(Phase.HOLDING, percent)
            stage.runner.target = stage.make_target()
        ended = stage.run()
        assert ended.phase is Phase.SUCCEEDED, ended.reason

    def test_stopped_service_fails_the_rollout(self, stage):
        """Its revisions are gone, so that there is nothing to go back to: a person must look before it is resumed."""
        stage.ask_for("v2").until_phase(Phase.HOLDING, 10)
        annotate = ("-n", stage.harness.namespace, "annotate", "inferenceservice", SERVICE)
        stage.harness.kubernetes.kubectl(*annotate, "serving.kserve.io/stop=true")
        try:
            stage.harness.wait(lambda: not stage.revisions(), "revisions are left")
            assert "stopped" in " ".join(stage.target.observe().drift)
            ended = stage.run()
            assert (ended.phase, ended.blamed) == (Phase.FAILED, False), ended.reason
            assert "is gone" in ended.reason
            assert stage.registry.champion(MODEL).version == "v1"
        finally:
            stage.harness.kubernetes.kubectl(*annotate, "serving.kserve.io/stop-")
        stage.harness.rest()
        stage.forget_failures()
