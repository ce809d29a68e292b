"""Where the processes of a version answer a scrape, in both modes of KServe."""

from collections.abc import Iterable
from dataclasses import dataclass

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.pods import is_ready, source_of
from clinical_ner.rollout.kserve.resources import PODS, SERVER, SERVICE_LABEL, Json, version_of

DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class PodAddresses:
    """Called with a version, returns ``http://IP:PORT`` of each of its ready pods, sorted; none without such pods.

    A pod's version is that of the URI that its model was fetched from, which KServe writes on the pod.

    Raises:
        ClusterUnreachable: the pods cannot be listed at present.
    """

    api: KubernetesApi
    service: str

    def __call__(self, version: str) -> list[str]:
        return addresses_of(self.api.list(PODS, {SERVICE_LABEL: self.service}), version)


def addresses_of(pods: Iterable[Json], version: str) -> list[str]:
    own = (each for each in pods if is_ready(each) and version_of(source_of(each)) == version)
    return sorted(f"http://{_host(ip)}:{port_of(each)}" for each in own for ip in [each["status"].get("podIP")] if ip)


def port_of(pod: Json) -> int:
    """The server's first port that is not gRPC's."""
    ports = (port for each in pod["spec"]["containers"] if each["name"] == SERVER for port in each.get("ports") or ())
    return next(
        (int(each["containerPort"]) for each in ports if not str(each.get("name", "")).startswith("grpc")), DEFAULT_PORT
    )


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
