"""What whoever carries rollouts out, and whoever asks for them, must be allowed to do. The same lists as in manifests/rbac/."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from clinical_ner.kubernetes_api import KubernetesApi, Resource
from clinical_ner.rollout.controller.lease import LEASES, NAME
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS
from clinical_ner.rollout.custom_resources.events import EVENTS
from clinical_ner.rollout.kserve.knative_reading import REVISIONS, ROUTES
from clinical_ner.rollout.kserve.resources import DEPLOYMENTS, HTTP_ROUTES, INFERENCE_SERVICES, PODS

Part = Literal["controller", "person"]
Mode = Literal["Standard", "Knative", ""]


class Right(NamedTuple):
    """``name`` of one object, or empty for all of the namespace's."""

    verb: str
    resource: Resource
    name: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        kind = "/".join(filter(None, (self.resource.plural, self.subresource)))
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {kind}{named}"


def rights_for(part: Part, mode: Mode, service: str) -> Iterator[Right]:
    """What ``part`` needs of the service's namespace."""
    yield Right("get", INFERENCE_SERVICES, service)
    yield from (Right(verb, MODEL_ROLLOUTS) for verb in ("get", "list"))
    if part == "person":
        yield from (Right(verb, MODEL_ROLLOUTS) for verb in ("create", "patch"))
        return
    yield Right("patch", INFERENCE_SERVICES, service)
    yield Right("update", MODEL_ROLLOUTS, subresource="status")
    yield Right("list", PODS)
    yield Right("create", EVENTS)
    yield Right("create", LEASES)
    yield from (Right(verb, LEASES, NAME) for verb in ("get", "update"))
    yield from _of_mode(mode)


def _of_mode(mode: Mode) -> Iterator[Right]:
    if mode == "Knative":
        yield from (Right("get", resource) for resource in (REVISIONS, ROUTES))
    if mode == "Standard":
        yield from (Right("get", resource) for resource in (HTTP_ROUTES, DEPLOYMENTS))


def missing_rights(api: KubernetesApi, part: Part, mode: Mode, service: str) -> tuple[str, ...]:
    """Those that whoever asks does not have, in words."""
    wanted = rights_for(part, mode, service)
    return tuple(
        str(each) for each in wanted if not api.may(each.verb, each.resource, name=each.name, subresource=each.subresource)
    )
