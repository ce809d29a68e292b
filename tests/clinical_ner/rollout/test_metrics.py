"""What Prometheus is shown of rollouts."""

from prometheus_client import CollectorRegistry

from clinical_ner.rollout.metrics import RolloutMetrics
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase, Requests
from tests.clinical_ner.rollout.stage import Stage


def stored(stage):
    return Stored(stage.spec, stage.status, Requests(), "1")


def test_metrics_show_where_a_rollout_stands():
    """Phase, share, verdict and the time of the last look."""
    metrics = RolloutMetrics(registry := CollectorRegistry())
    stage = Stage().set_out().go_to(Phase.HOLDING, 50)
    stage.go_well(8)
    metrics.show([stored(stage)])
    labels = {"model_name": "clinical-ner", "rollout": "v2", "model_version": "v2"}

    def value(name, **more):
        return registry.get_sample_value(f"clinical_ner_rollout_{name}", {**labels, **more})

    assert value("phase", phase="holding") == 1
    assert sum(value("phase", phase=phase) for phase in Phase) == 1
    assert (value("canary_percent"), value("step"), value("problems")) == (50, 1, 0)
    assert value("looked_timestamp_seconds") == stage.status.seen_at.time.timestamp()
    assert sum(value("verdict", verdict=verdict) for verdict in ("pass", "fail", "inconclusive")) == 1


def test_metrics_forget_rollouts_of_long_ago():
    """Of those that have ended only the newest is shown."""
    metrics = RolloutMetrics(registry := CollectorRegistry())
    ended = []
    for name in ("v2", "v2-2"):
        stage = Stage().set_out(name=name)
        stage.abort()
        stage.look()
        ended.append(stored(stage))
    metrics.show(ended[:1])
    metrics.show(ended)
    found = {sample.labels["rollout"] for family in registry.collect() for sample in family.samples}
    assert found == {"v2-2"}
