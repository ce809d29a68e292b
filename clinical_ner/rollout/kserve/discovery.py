"""What a cluster says of an InferenceService and of all that a rollout of it needs, with the rights of whoever asks.

The schema comes from the API server's own description (``/openapi/v3``), which every account may read; the
CustomResourceDefinition itself only administrators may.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from clinical_ner.errors import ClusterUnreachable, NotFound
from clinical_ner.kubernetes_api import KubernetesApi, Resource
from clinical_ner.rollout.controller.lease import LEASES, NAME
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS
from clinical_ner.rollout.kserve.resources import HTTP_ROUTES, INFERENCE_SERVICES, MODE, Json
from clinical_ner.rollout.kserve.rights import Mode, Part, missing_rights

KSERVE_NAMESPACE = "kserve"
RUNTIMES = Resource("serving.kserve.io/v1alpha1", "ServingRuntime", "servingruntimes")
MODES: dict[str, Mode] = {"Standard": "Standard", "RawDeployment": "Standard", "Knative": "Knative", "Serverless": "Knative"}
"""By the names of KServe since 0.16 and before."""
_CONFIG = f"/api/v1/namespaces/{KSERVE_NAMESPACE}/configmaps/inferenceservice-config"
_CONTROLLER = f"/apis/apps/v1/namespaces/{KSERVE_NAMESPACE}/deployments/kserve-controller-manager"
_CONTAINERS = "/apis/serving.kserve.io/v1alpha1/clusterstoragecontainers"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is None is unknown: whoever asks may not read it."""

    namespace: str
    name: str
    kserve: bool
    """The cluster knows InferenceServices."""
    service: Json | None
    """The InferenceService; None when there is none."""
    mode: Mode
    """How KServe serves it, or will; empty when that is unknown, or neither of the two."""
    mode_told: str
    """Where the mode comes from, in words."""
    canary_field: bool
    """The schema that is served has ``spec.canary``."""
    controller: str | None
    """KServe's controller's version; empty when it does not say."""
    gateway_api: bool
    gateway_enabled: bool | None
    """KServe is told to use it."""
    route: bool | None
    """There is an HTTPRoute of the service."""
    prometheus_operator: bool
    rollouts: bool
    """The cluster knows ModelRollouts."""
    holder: str | None
    """Who advances them: who holds the Lease; empty when nobody does."""
    runtime: Json | None
    restricted: bool | None
    """Pod Security "restricted" is enforced in the namespace."""
    fetcher_secured: bool | None
    """Every storage initializer has a securityContext."""
    user: str
    missing: tuple[tuple[Part, tuple[str, ...]], ...]
    """Rights that the asker lacks, by what they are needed for."""

    def missing_for(self, part: Part) -> tuple[str, ...]:
        return dict(self.missing)[part]


def discover(api: KubernetesApi, service: str) -> Discovered:
    """All that can be learned about the InferenceService ``service`` in the API's namespace.

    Raises:
        ClusterUnreachable: the API server does not answer, or does not let the asker read even the InferenceService.
    """
    found = api.get(INFERENCE_SERVICES, service)
    config = _config(api)
    mode, told = find_mode(found, config)
    schema = api.read("/openapi/v3/apis/serving.kserve.io/v1beta1")
    parts: tuple[Part, ...] = ("controller", "person")
    return Discovered(
        namespace=api.namespace,
        name=service,
        kserve=schema is not None,
        service=found,
        mode=mode,
        mode_told=told,
        canary_field=_has_canary(schema or {}),
        controller=_if_readable(lambda: _version(api.read(_CONTROLLER) or {})),
        gateway_api=_serves(api, HTTP_ROUTES),
        gateway_enabled=None if config is None else bool(_section(config, "ingress").get("enableGatewayApi", False)),
        route=_if_readable(lambda: api.get(HTTP_ROUTES, service) is not None),
        prometheus_operator=api.read("/apis/monitoring.coreos.com/v1") is not None,
        rollouts=_serves(api, MODEL_ROLLOUTS),
        holder=_if_readable(lambda: str(((api.get(LEASES, NAME) or {}).get("spec") or {}).get("holderIdentity") or "")),
        runtime=_if_readable(lambda: _runtime(api, found or {})),
        restricted=_if_readable(lambda: _is_restricted(api.read(f"/api/v1/namespaces/{api.namespace}") or {})),
        fetcher_secured=_if_readable(lambda: _is_secured(api.read(_CONTAINERS) or {})),
        user=api.user(),
        missing=tuple((part, missing_rights(api, part, mode, service)) for part in parts),
    )


def find_mode(service: Json | None, config: Json | None) -> tuple[Mode, str]:
    """What KServe does, by its status; before it has said so, what it is told for the service, or for all. And who says so."""
    told = (
        ((service or {}).get("status", {}).get("deploymentMode"), "KServe's status of it"),
        (((service or {}).get("metadata", {}).get("annotations") or {}).get(MODE), f"its annotation {MODE}"),
        (_section(config or {}, "deploy").get("defaultDeploymentMode"), "the cluster's default"),
    )
    name, source = next(((name, source) for name, source in told if name), ("", "nothing says so"))
    return MODES.get(name, ""), f"{name or 'unknown'}: {source}"


def _if_readable(ask: Callable[[], _T]) -> _T | None:
    try:
        return ask()
    except (ClusterUnreachable, NotFound):
        return None


def _serves(api: KubernetesApi, resource: Resource) -> bool:
    known = api.read(resource.root) or {}
    return any(each["name"] == resource.plural for each in known.get("resources", ()))


def _config(api: KubernetesApi) -> Json | None:
    """KServe's settings; None when they cannot be read, or are not where KServe puts them."""
    return _if_readable(lambda: api.read(_CONFIG))


def _section(config: Json, name: str) -> Json:
    """One of the JSON documents in KServe's settings; empty when it is missing or is none."""
    try:
        section = json.loads((config.get("data") or {}).get(name, "{}"))
    except ValueError:
        return {}
    return section if isinstance(section, dict) else {}


def _has_canary(schema: Json) -> bool:
    schemas: dict[str, Any] = schema.get("components", {}).get("schemas", {})
    found: Json = next((each for name, each in schemas.items() if name.endswith(".InferenceService")), {})
    return "canary" in found.get("properties", {}).get("spec", {}).get("properties", {})


def _version(controller: Json) -> str:
    """The tag of the image; empty for one named by its digest, and without a controller where KServe puts it."""
    template = controller.get("spec", {}).get("template", {}).get("spec", {})
    images = [str(each["image"]) for each in template.get("containers", ()) if "kserve-controller" in each["image"]]
    return images[0].rpartition("/")[2].partition("@")[0].partition(":")[2] if images else ""


def _runtime(api: KubernetesApi, service: Json) -> Json | None:
    name = service.get("spec", {}).get("predictor", {}).get("model", {}).get("runtime", "")
    return api.get(RUNTIMES, name) if name else None


def _is_restricted(namespace: Json) -> bool:
    labels = namespace.get("metadata", {}).get("labels") or {}
    return bool(labels.get("pod-security.kubernetes.io/enforce") == "restricted")


def _is_secured(containers: Json) -> bool:
    return all(each.get("spec", {}).get("container", {}).get("securityContext") for each in containers.get("items", ()))
