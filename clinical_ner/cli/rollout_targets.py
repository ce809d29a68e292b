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
from clinical_ner.settings import Settings

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

    ``prometheus`` is the URL of the one that scrapes the service's pods; without it this process scrapes them. What it knows
    of calls as the gateway saw them, the settings' queries say.
    ``replicas`` is of KServe's Standard mode: how many pods a version has, from the next rollout on.

    Raises:
        ConfigError: the address is neither, rollouts of the service cannot be carried out, or one of the gateway's queries
            lacks the other or the URL; the message says why.
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

    api, settings = KubernetesApi.connect(address.namespace), Settings()
    target = open_kserve_target(api, address.service, model, replicas)
    calls, failed = settings.gateway_calls_query, settings.gateway_failed_query
    if (calls or failed) and not (calls and failed and prometheus):
        raise ConfigError("CLINICAL_NER_GATEWAY_CALLS_QUERY and _FAILED_QUERY: either both with --prometheus, or none of them")
    if prometheus:
        matchers = {"namespace": address.namespace}
        return OpenedTarget(target, PrometheusMetrics(prometheus, matchers, calls_query=calls, failed_query=failed))
    return OpenedTarget(target, ScrapedMetrics(PodAddresses(api, address.service)))
