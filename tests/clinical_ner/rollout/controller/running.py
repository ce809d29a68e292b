"""A controller of a service in a file, beside rollouts in a real API server."""

import structlog
from prometheus_client import CollectorRegistry

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.controller.assembly import make_controller
from clinical_ner.rollout.controller.lease import ClusterLease
from clinical_ner.rollout.controller.loop import Controller
from clinical_ner.storage import Storage
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE, FileWorld

LOOKS = 200


class Running:
    """One controller, whose rounds are called by hand. ``lines`` is what it logged, ``acted`` what it had the target do."""

    def __init__(self, storage: Storage, api: KubernetesApi, identity: str = "one", **lease: object) -> None:
        self.storage, self.shown, self.lines = storage, CollectorRegistry(), structlog.testing.LogCapture()
        self.world = FileWorld(storage)
        self.controller: Controller = make_controller(
            ClusterLease(api, identity, SERVICE, **lease),
            SERVICE,
            MODEL,
            target=self.world,
            source=self.world,
            registry=Registry(storage),
            shown=self.shown,
            log=structlog.wrap_logger(structlog.PrintLogger(), processors=[self.lines]),
        )
        self.controller.runner.timer = self.world.now
        self.records = self.controller.runner.records

    def round(self):
        return self.controller.round()

    def until(self, name, phase):
        """Go round until the rollout is in this phase."""
        for _ in range(LOOKS):
            if (status := self.records.read(name).status).phase is phase:
                return self
            self.round()
        raise AssertionError(f"{name} never {phase}, but {status.phase}: {status.reason}")

    def value(self, name, **labels):
        return self.shown.get_sample_value(f"clinical_ner_rollout_{name}", labels)

    def told(self, event):
        return [line for line in self.lines.entries if line["event"] == event]
