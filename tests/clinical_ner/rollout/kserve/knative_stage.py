"""A service in Knative mode, a registry beside it, and the real runner over both, with the controller's own account."""

import time

from clinical_ner.clock import utc_now
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.knative_reading import REVISIONS
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.specs import make_release
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.traffic import Server
from tests.doubles.kserve.harness import MODEL, SERVICE, KnativeHarness, create_service
from tests.servers.kubernetes import Kubernetes

WAIT_SECONDS = 60
BY = {"actor": "test", "reason": "a test"}
RULES = AnalysisRules(allowed_errors=0.5, tolerated_errors=0.3, allowed_refusals=0.5)
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=0.2, min_requests=100) for percent in (10, 50, 100))
NOTES = 20
"""What one simulated call counts for, so that a step has its requests soon."""


class KnativeModels(KnativeHarness):
    """The same service with models of a registry: their digests."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, digests: dict[str, str]) -> None:
        super().__init__(kubernetes, namespace, KnativeTarget)
        self.models = {name: ModelReference(name, digests[name], model.uri) for name, model in self.models.items()}
        self.kserve.kubelet.digests = {model.uri: model.digest for model in self.models.values()}

    def at_rest(self, model):
        return super().at_rest(self.models[model.version])

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


class KnativeStage:
    """v1 is live and served, v2 and v3 are approved. ``failing`` are versions whose answers are errors."""

    def __init__(self, harness: KnativeModels, api: KubernetesApi, storage_uri: str, packages: list) -> None:
        self.harness, self.api, self.callers = harness, api, None
        self.target = KnativeTarget(api, SERVICE, MODEL)
        self.storage = open_storage(storage_uri)
        self.registry, self.records = Registry(self.storage), StoredRollouts(self.storage, MODEL)
        for files in packages:
            version = self.registry.register(MODEL, files, **BY).version
            self.registry.approve(MODEL, version, **BY)
        self.registry.promote(MODEL, "v1", **BY)
        self.failing: set[str] = set()
        self.runner = Runner(self.records, self.target, self, self.registry, MODEL)

    def read(self, version: str) -> Counters:
        answered = self.callers.versions()[version] * NOTES
        digest = self.harness.models[version].digest
        return Server(digest, answered, answered if version in self.failing else 0).counters()

    def ask_for(self, version, **plan):
        plan = RolloutPlan(**{"steps": STEPS, "ready_seconds": 30, "inconclusive_seconds": 60, "rules": RULES, **plan})
        names = [each.spec.name for each in self.records.all()]
        self._create(make_release(self.storage, MODEL, version, plan, names, Cause("test", utc_now(), "a test")))
        return self

    def create_restore(self, make_restore):
        self._create(make_restore(self.storage, MODEL, ["v2"], Cause("test", utc_now(), "a complaint")))

    def _create(self, spec):
        self.records.create(spec.model_copy(update={"uri": self.harness.models[spec.version].uri}))

    def until(self, condition, seconds=WAIT_SECONDS):
        """Advance until the last rollout's status is so; returns it."""
        deadline = time.monotonic() + seconds
        while not condition(status := self.runner.tick()[-1].status):
            assert time.monotonic() < deadline, status
            time.sleep(0.02)
        return status

    def until_phase(self, phase, percent=None):
        return self.until(lambda status: status.phase is phase and percent in {None, status.percent})

    def run(self):
        """To its end, which is not judged by this."""
        return self.until(lambda status: status.ended)

    def revisions(self):
        """Which model each revision serves."""
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in self.harness.api.list(REVISIONS)}
