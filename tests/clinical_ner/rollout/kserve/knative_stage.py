"""A service in Knative mode, a registry beside it, and the real runner over both."""

from clinical_ner.clock import utc_now
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.knative_reading import REVISIONS
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.kserve.rollout_stage import RegistryModels, RolloutStage
from tests.doubles.kserve.harness import MODEL, SERVICE, KnativeHarness, create_service
from tests.servers.kubernetes import Kubernetes


class KnativeModels(RegistryModels, KnativeHarness):
    """The harness with a registry's models."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, digests: dict[str, str]) -> None:
        super().__init__(kubernetes, namespace, KnativeTarget)
        self.take_over(digests)

    def rest(self):
        """v1 alone, ready, whatever was before."""
        self.kserve.kubelet.faults.clear()
        self.own(self.at_rest(self.models["v1"]))
        self.wait(self._rests, "it does not come to rest")

    def create_empty(self):
        """The service as the overlay has it, without a model."""
        create_service(self.kubernetes, self.namespace, self.overlay)

    def _rests(self):
        seen = self.target.observe()
        alone = (seen.canary, seen.percent, seen.asked) == (None, 0, None)
        return alone and seen.stable and seen.stable.version == "v1" and seen.stable.ready


class KnativeStage(RolloutStage):
    """With what revisions there are."""

    def make_target(self):
        return KnativeTarget(self.api, SERVICE, MODEL)

    def create_restore(self, make_restore):
        self.create(make_restore(self.storage, MODEL, ["v2"], Cause("test", utc_now(), "a complaint")))

    def revisions(self):
        """Which model each revision serves."""
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in self.harness.api.list(REVISIONS)}
