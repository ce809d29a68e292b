"""A controller, put together from what it acts on."""

from prometheus_client import CollectorRegistry

from clinical_ner.registry import Registry
from clinical_ner.rollout.controller.lease import ClusterLease
from clinical_ner.rollout.controller.loop import Controller
from clinical_ner.rollout.controller.metrics import ControllerMetrics
from clinical_ner.rollout.controller.telling import Logger, Teller
from clinical_ner.rollout.counting.sources import MetricsSource
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.targets import Target


def make_controller(
    lease: ClusterLease,
    service: str,
    model: str,
    *,
    target: Target,
    source: MetricsSource,
    registry: Registry,
    shown: CollectorRegistry,
    log: Logger,
) -> Controller:
    """The controller of one service in the namespace of the Lease, which also names it; its numbers are in ``shown``."""
    metrics = ControllerMetrics(shown)
    teller = Teller(lease.api, lease.identity, log, metrics)
    records = ClusterRollouts(lease.api, service, model, on_unreadable=teller.tell_unreadable)
    runner = Runner(records, target, source, registry, model, on_change=teller.tell_change, fence=lease.check)
    return Controller(runner, lease, metrics, log)
