"""A namespace of a real API server for controllers, and one that does not answer."""

from pathlib import Path

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.plan import RolloutStep
from tests.clinical_ner.rollout.controller.running import Running
from tests.clinical_ner.rollout.file_world import MODEL, make_spec
from tests.servers.versitygw import free_port


def away(namespace: str, folder: Path) -> KubernetesApi:
    """An API server that refuses connections."""
    config = folder / "kubeconfig-away"
    config.write_text(
        "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
        f"users: [{{name: a, user: {{}}}}], clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{free_port()}'}}}}]}}"
    )
    return KubernetesApi.connect(namespace, kubeconfig=str(config))


STEPS = tuple(RolloutStep(percent=percent, hold_seconds=10, min_requests=100) for percent in (50, 100))


@pytest.fixture
def start(store, records):
    """Make a rollout of a version, in two short steps."""

    def make(version="v2", minutes=0, name="", **plan):
        spec = make_spec(Registry(store).get(MODEL, version), minutes, steps=STEPS, **plan)
        return records.create(spec.model_copy(update={"name": name or version}))

    return make


@pytest.fixture
def one(store, cluster_api):
    """A controller."""
    return Running(store, cluster_api)
