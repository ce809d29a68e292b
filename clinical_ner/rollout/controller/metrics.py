"""What a controller shows of itself and of the rollouts it advances."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from clinical_ner.rollout.metrics import RolloutMetrics


class ControllerMetrics:
    """Gauges and counters in ``registry``; those of rollouts are shown by the holder of the Lease alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rollouts = RolloutMetrics(registry)
        self.leading = Gauge(
            "clinical_ner_rollout_controller_leading", "1 while this controller holds the Lease and may act.", registry=registry
        )
        self.rounds = Counter(
            "clinical_ner_rollout_controller_rounds",
            "Rounds of the loop: looked (at all rollouts), waited (another holds the Lease), or failed.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("looked", "waited", "failed"):
            self.rounds.labels(outcome)
        self.unreadable = Gauge(
            "clinical_ner_rollout_controller_unreadable",
            "1 for a ModelRollout of this service that cannot be read and is left out.",
            ["rollout"],
            registry=registry,
        )
        self.lost_events = Counter(
            "clinical_ner_rollout_controller_lost_events", "Events that could not be written.", registry=registry
        )
