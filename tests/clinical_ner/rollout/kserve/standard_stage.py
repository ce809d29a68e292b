"""A service in Standard mode, a registry beside it, and the real runner over both, with the delivered rights."""

import json
import time
from collections import Counter
from pathlib import Path

from clinical_ner.clock import utc_now
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.kserve.resources import HTTP_ROUTES, INFERENCE_SERVICES
from clinical_ner.rollout.kserve.standard import StandardTarget
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.specs import make_release
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.traffic import Server
from tests.doubles.kserve.harness import MODEL, SERVICE, StandardHarness, create_service
from tests.manifests.built import OVERLAYS, build
from tests.servers.kubernetes import Kubernetes

SETTLE_SECONDS = 0.3  # the double's gateway follows a route within 0.2
WAIT_SECONDS = 60
ACCOUNT = "clinical-ner-rollout-controller"
BY = {"actor": "test", "reason": "a test"}
RULES = AnalysisRules(allowed_errors=0.5, tolerated_errors=0.3, allowed_refusals=0.5)
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=0.1, min_requests=100) for percent in (10, 50, 100))
NOTES = 100
"""What one simulated call counts for, so that a step has its requests soon."""


def controller_config(kubernetes: Kubernetes, harness: StandardHarness, folder: Path) -> Path:
    """A kubeconfig of the controller's own account, with the Roles that are delivered for it."""
    namespace, found = harness.namespace, build(OVERLAYS[harness.overlay])
    delivered = [each for each in found if ACCOUNT in json.dumps(each) and each["kind"] in {"Role", "RoleBinding"}]
    kubernetes.apply(*(_moved(each, namespace) for each in delivered))
    kubernetes.try_kubectl("-n", namespace, "create", "serviceaccount", ACCOUNT)
    token = kubernetes.kubectl("-n", namespace, "create", "token", ACCOUNT).strip()
    config = json.loads(kubernetes.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig-controller"
    path.write_text(json.dumps(config))
    api = KubernetesApi.connect(namespace, kubeconfig=str(path))
    # The authorizer hears of new Roles a moment later.
    harness.wait(lambda: api.may("get", INFERENCE_SERVICES, name=SERVICE) and api.may("get", HTTP_ROUTES), "no rights")
    return path


def _moved(found: dict, namespace: str) -> dict:
    """A Role, or a RoleBinding with its subjects, in another namespace."""
    subjects = {"subjects": [{**each, "namespace": namespace} for each in found.get("subjects", ())]}
    moved = {**found, "metadata": {**found["metadata"], "namespace": namespace}}
    return {**moved, **(subjects if "subjects" in found else {})}


class Models(StandardHarness):
    """The same service with models of a registry: their digests."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, digests: dict[str, str]) -> None:
        super().__init__(kubernetes, namespace)
        self.models = {name: ModelReference(name, digests[name], model.uri) for name, model in self.models.items()}
        self.kserve.kubelet.digests = {model.uri: model.digest for model in self.models.values()}

    def at_rest(self, model):
        return super().at_rest(self.models[model.version])

    def rest(self):
        """v1 alone, ready, whatever was before."""
        self.kserve.kubelet.faults.clear()
        if self.api.get(INFERENCE_SERVICES, SERVICE) is None:
            create_service(self.kubernetes, self.namespace, self.overlay)
        self.own(self.at_rest(self.models["v1"]))
        alone = {f"isvc.{SERVICE}-v1-predictor": self.replicas}
        self.wait(lambda: Counter(each.labels["app"] for each in self.processes({})) == alone, "other pods are left")
        alone = {f"{SERVICE}-v1-predictor"}
        self.wait(lambda: self.kserve.gateway.weights(time.monotonic()).keys() == alone, "the gateway knows others")
        self.wait(self.is_ready)


class Stage:
    """v1 is live and served, v2 and v3 are approved.

    ``failing`` are versions whose answers are errors; ``calls_may_fail`` says that a test takes all servers away.
    """

    def __init__(self, harness: Models, api: KubernetesApi, storage_uri: str, packages: list) -> None:
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

    def make_target(self):
        """One without memory, as after a restart of its process."""
        return StandardTarget(self.api, SERVICE, MODEL, settle_seconds=SETTLE_SECONDS)

    def read(self, version: str) -> Counters:
        answered = self.callers.versions()[version] * NOTES
        digest = self.harness.models[version].digest
        return Server(digest, answered, answered if version in self.failing else 0).counters()

    def ask_for(self, version, **plan):
        plan = RolloutPlan(**{"steps": STEPS, "ready_seconds": 30, "inconclusive_seconds": 60, "rules": RULES, **plan})
        names = [each.spec.name for each in self.records.all()]
        spec = make_release(self.storage, MODEL, version, plan, names, Cause("test", utc_now(), "a test"))
        self.records.create(spec.model_copy(update={"uri": self.harness.models[version].uri}))
        return self

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
