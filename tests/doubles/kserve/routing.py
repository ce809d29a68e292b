"""The weighted HTTPRoutes of an InferenceService in Standard mode, and what a gateway reports of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.doubles.kserve.objects import (
    ROUTES,
    SERVICES,
    Mirror,
    Object,
    condition,
    keep_times,
    name_of,
    owner_reference,
)

GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "kserve-ingress-gateway", "namespace": "kserve"}


@dataclass(slots=True)
class Routing:
    """``as_0_20`` has it done as by that release: seen on it, with weights patched into its routes. It may change at any time,
    as by an upgrade.
    """

    as_0_20: bool = False

    def put(self, mirror: Mirror, service: Object, stable: str, weights: Mapping[str, int]) -> None:
        """The predictor's route, then the service's: canaries have ``weights``. Routes of former names stay."""
        whole = 100 - sum(weights.values()) if weights else 1
        backends = [_backend(service, name, weight) for name, weight in {stable: whole, **weights}.items()]
        for name in (stable if self.as_0_20 else f"{name_of(service)}-predictor", name_of(service)):
            old = mirror.get(ROUTES, name)
            kept = _backends(old) if old and self.as_0_20 and _is_enough(_backends(old), backends) else backends
            found = mirror.put(ROUTES, _route(service, name, kept))
            mirror.put_status(ROUTES, name, _report(found, resolved=is_resolved(mirror, name)))


def is_resolved(mirror: Mirror, name: str) -> bool:
    """Whether all that the route names is there, if it gets anything or not."""
    route = mirror.get(ROUTES, name)
    return route is None or all(mirror.get(SERVICES, each["name"]) for each in _backends(route))


def _is_enough(found: list[Object], wanted: list[Object]) -> bool:
    """Release 0.20 leaves a former canary's backend, which gets nothing, where it is."""
    return len(wanted) == 1 < len(found) and found[0]["name"] == wanted[0]["name"] and not any(e["weight"] for e in found[1:])


def _backends(route: Object) -> list[Object]:
    found: list[Object] = route["spec"]["rules"][0]["backendRefs"]
    return found


def _backend(service: Object, name: str, weight: int) -> Object:
    reference = {"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight}
    return {**reference, "namespace": service["metadata"]["namespace"]}


def _route(service: Object, name: str, backends: list[Object]) -> Object:
    rule = {
        "matches": [{"path": {"type": "RegularExpression", "value": "^/.*$"}}],
        "backendRefs": backends,
        "timeouts": {"request": "60s"},
    }
    host = f"{name}-{service['metadata']['namespace']}.example.com"
    return {
        "metadata": {"name": name, "ownerReferences": [owner_reference(service)]},
        "spec": {"parentRefs": [GATEWAY], "hostnames": [host], "rules": [rule]},
    }


def _report(route: Object, *, resolved: bool) -> Object:
    """What a gateway says that has heard of the route."""
    told = [
        condition("Accepted", True, "Accepted", "taken over"),
        condition("ResolvedRefs", resolved, "ResolvedRefs" if resolved else "BackendNotFound", "all backends were looked for"),
    ]
    old = route.get("status", {}).get("parents") or [{"conditions": []}]
    conditions = keep_times(told, old[0]["conditions"])
    current = [{**each, "observedGeneration": route["metadata"]["generation"]} for each in conditions]
    return {"parents": [{"parentRef": GATEWAY, "controllerName": "example.com/gateway", "conditions": current}]}
