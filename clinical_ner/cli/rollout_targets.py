"""What ``--target`` names: the service whose traffic a rollout divides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from clinical_ner.cli.options import DEFAULT_NAME
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.addresses import KServeAddress, LocalAddress, parse_address
from clinical_ner.rollout.counting.sources import MetricsSource
from clinical_ner.rollout.targets import Target

PROMETHEUS_URL = "CLINICAL_NER_PROMETHEUS_URL"
PrometheusUrl = Annotated[
    str,
    typer.Option("--prometheus", envvar=PROMETHEUS_URL, help="Its URL; without one, pods are scraped directly."),
]


@dataclass(frozen=True, slots=True)
class OpenedTarget:
    """The service, and what its versions have counted."""

    target: Target
    source: MetricsSource


def open_target(address: str, model: str = DEFAULT_NAME, prometheus: str = "", replicas: int | None = None) -> OpenedTarget:
    """The service at ``local:FOLDER``, or at ``kserve:NAMESPACE/SERVICE`` by the mode that it really has.

    ``prometheus`` is the URL of the one that scrapes the service's pods; without it this process scrapes them.
    ``replicas`` is of KServe's Standard mode: how many pods a version has, from the next rollout on.

    Raises:
        ConfigError: the address is neither, or rollouts of the service cannot be carried out; the message says why.
        ClusterUnreachable: the cluster does not answer.
    """
    found = parse_address(address)
    if isinstance(found, KServeAddress):
        return _open_on_cluster(found, model, prometheus, replicas)
    # Each kind has libraries of its own, which a command that needs no target must not load.
    from clinical_ner.rollout.local import LocalTarget
    from clinical_ner.rollout.local.source import local_metrics

    return OpenedTarget(LocalTarget(found.folder), local_metrics(found.folder))


def local_folder(address: str) -> Path:
    """The folder in ``local:FOLDER``; raises ConfigError for any other address."""
    found = parse_address(address)
    if not isinstance(found, LocalAddress):
        raise ConfigError(f"--target {address}: expected local:FOLDER, the folder of a local service")
    return found.folder


def _open_on_cluster(address: KServeAddress, model: str, prometheus: str, replicas: int | None) -> OpenedTarget:
    from clinical_ner.kubernetes_api import KubernetesApi
    from clinical_ner.rollout.counting.prometheus import PrometheusMetrics
    from clinical_ner.rollout.counting.scraping import ScrapedMetrics
    from clinical_ner.rollout.kserve.addresses import PodAddresses
    from clinical_ner.rollout.kserve.opening import open_kserve_target

    api = KubernetesApi.connect(address.namespace)
    target = open_kserve_target(api, address.service, model, replicas)
    if prometheus:
        return OpenedTarget(target, PrometheusMetrics(prometheus, matchers={"namespace": address.namespace}))
    return OpenedTarget(target, ScrapedMetrics(PodAddresses(api, address.service)))
