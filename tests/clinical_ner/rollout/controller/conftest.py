"""A namespace of a real API server for controllers, and one that does not answer."""

from pathlib import Path

from clinical_ner.kubernetes_api import KubernetesApi
from tests.clinical_ner.rollout.custom_resources.conftest import cluster_api, records  # noqa: F401 (fixtures)
from tests.servers.versitygw import free_port


def away(namespace: str, folder: Path) -> KubernetesApi:
    """An API server that refuses connections."""
    config = folder / "kubeconfig-away"
    config.write_text(
        "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
        f"users: [{{name: a, user: {{}}}}], clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{free_port()}'}}}}]}}"
    )
    return KubernetesApi.connect(namespace, kubeconfig=str(config))
