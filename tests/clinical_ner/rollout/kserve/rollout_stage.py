"""A service of KServe's double, a registry beside it, and the real runner over both."""

import time

from clinical_ner.clock import utc_now
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.specs import make_release, make_rollout
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference, Target
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.traffic import Server
from tests.doubles.kserve.harness import MODEL, KServeHarness

WAIT_SECONDS = 60
BY = {"actor": "test", "reason": "a test"}
RULES = AnalysisRules(allowed_errors=0.5, tolerated_errors=0.3, allowed_refusals=0.5)
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=0.1, min_requests=100) for percent in (10, 50, 100))
NOTES = 100
"""What one simulated call counts for, so that a step has its requests soon."""


class RegistryModels:
    """Mixed into a harness: its service has models of a registry, known by their digests."""

    def take_over(self, digests: dict[str, str]) -> None:
        self.models = {name: ModelReference(name, digests[name], model.uri) for name, model in self.models.items()}
        self.kserve.kubelet.digests = {model.uri: model.digest for model in self.models.values()}

    def at_rest(self, model):
        return super().at_rest(self.models[model.version])


class RolloutStage:
    """v1 is live and served, v2 and v3 are approved.

    ``failing`` are versions whose answers are errors; ``calls_may_fail`` says that a test takes all servers away.
    """

    def __init__(self, harness: KServeHarness, api: KubernetesApi, storage_uri: str, packages: list) -> None:
        self.harness, self.api = harness, api
        self.target = self.make_target()
        self.storage = open_storage(storage_uri)
        self.registry, self.records = Registry(self.storage), StoredRollouts(self.storage, MODEL)
        for files in packages:
            version = self.registry.register(MODEL, files, **BY).version
            self.registry.approve(MODEL, version, **BY)
        self.registry.promote(MODEL, "v1", **BY)
        self.failing, self.callers, self.calls_may_fail = set(), None, False
        self.runner = Runner(self.records, self.target, self, self.registry, MODEL)

    def make_target(self) -> Target:
        """One without memory, as after a restart of its process."""
        raise NotImplementedError

    def read(self, version: str) -> Counters:
        answered = self.callers.versions()[version] * NOTES
        digest = self.harness.models[version].digest
        return Server(digest, answered, answered if version in self.failing else 0).counters()

    def ask_for(self, version, **plan):
        plan = RolloutPlan(**{"steps": STEPS, "ready_seconds": 30, "inconclusive_seconds": 60, "rules": RULES, **plan})
        names = [each.spec.name for each in self.records.all()]
        self.create(make_release(self.storage, MODEL, version, plan, names, Cause("test", utc_now(), "a test")))
        return self

    def ask_for_live(self):
        self.create(make_rollout(self.storage, MODEL, "v1", None, (), Cause("test", utc_now(), "the service was lost")))

    def create(self, spec):
        """With the URI that the double knows the version's model by."""
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

    def forget_failures(self):
        """Those of a time without servers, which lasts for callers until the gateway has heard of its end."""

        def is_quiet() -> bool:
            self.callers.failures.clear()
            time.sleep(0.5)
            return not self.callers.failures

        self.harness.wait(is_quiet, "calls go on failing")
