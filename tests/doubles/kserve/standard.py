"""KServe's Standard mode: Deployments, Services and weighted HTTPRoutes of one InferenceService."""

from dataclasses import dataclass
from typing import ClassVar

from tests.doubles.kserve.gateway import Backend
from tests.doubles.kserve.objects import (
    DEPLOYMENTS,
    OWNER,
    PODS,
    ROUTES,
    RUNTIMES,
    SERVICES,
    STANDARD_KINDS,
    Mirror,
    Object,
    condition,
    name_of,
    owner_reference,
)
from tests.doubles.kserve.predictors import (
    canary_predictor,
    canary_replicas,
    pod_template,
    runtime_reason,
    silent_reason,
    stable_replicas,
    workload_name,
)
from tests.doubles.kserve.routing import Routing, is_resolved
from tests.doubles.kserve.workloads import is_available, is_ending, is_ready, living_pods, step_deployment

STOP = "serving.kserve.io/stop"
RUNTIME_REASONS = {"NoSupportingRuntime", "RuntimeNotRecognized"}


@dataclass(frozen=True, slots=True)
class Workload:
    """A predictor with its share; the first of an InferenceService is the stable."""

    name: str
    predictor: Object
    percent: int
    replicas: int


@dataclass(frozen=True, slots=True)
class StandardMode:
    routing: Routing
    kinds: ClassVar = STANDARD_KINDS

    def reconcile(self, mirror: Mirror, service: Object, now: float) -> Object | None:
        """One pass over everything; the status to write, None where KServe leaves the old one standing."""
        return reconcile(mirror, service, self.routing)

    def remove(self, mirror: Mirror) -> None:
        remove_others(mirror, set())

    def backends(self, mirror: Mirror, service: str) -> list[Backend]:
        """Where calls are sent: the pods of the route's Services."""
        route = mirror.get(ROUTES, service)
        found = [] if route is None else route["spec"]["rules"][0]["backendRefs"]
        return [Backend(each["name"], each["weight"], {"app": f"isvc.{each['name']}"}) for each in found]

    def living(self, mirror: Mirror) -> set[str]:
        """Services that are there; a route may name others."""
        return {name_of(each) for each in mirror.all(SERVICES)}


def workloads(service: Object, ready: dict[str, int]) -> list[Workload]:
    """What there should be. ``ready`` counts the ready pods of each workload."""
    stable, canaries = service["spec"]["predictor"], service["spec"].get("canary", [])
    found = [
        Workload(workload_name(service, each["predictor"]), canary_predictor(service, each), each["trafficPercent"], replicas)
        for each in canaries
        for replicas in [canary_replicas(service, each)]
    ]
    size = stable_replicas(service, sum(min(ready.get(each.name, 0), each.replicas) for each in found))
    return [Workload(workload_name(service, stable), stable, 100 - sum(each.percent for each in found), size), *found]


def reconcile(mirror: Mirror, service: Object, routing: Routing) -> Object | None:
    if service["metadata"].get("annotations", {}).get(STOP) == "true":
        remove_others(mirror, set())
        return _status(service, None, {}, "Stopped")
    wanted = workloads(service, ready_pods(mirror))
    predictors = [each.predictor for each in wanted]
    if silent_reason(service, [each.name for each in wanted], predictors):
        return None
    runtime = mirror.get(RUNTIMES, wanted[0].predictor["model"].get("runtime", ""))
    reason = next(filter(None, (runtime_reason(each, runtime) for each in predictors)), "")
    if reason or runtime is None:
        return _status(service, None, {}, reason)
    for each in wanted:
        put_workload(mirror, service, each, runtime)
    remove_others(mirror, {each.name for each in wanted})
    ready = ready_pods(mirror)
    put_routes(mirror, service, wanted, ready, routing)
    stable = mirror.get(DEPLOYMENTS, wanted[0].name)
    return _status(service, stable, ready, "", resolved=is_resolved(mirror, name_of(service)))


def ready_pods(mirror: Mirror) -> dict[str, int]:
    """The number of ready pods by Deployment."""
    return {name_of(each): _ready(mirror, each) for each in mirror.all(DEPLOYMENTS)}


def _ready(mirror: Mirror, deployment: Object) -> int:
    return sum(map(is_ready, living_pods(mirror, deployment["spec"]["selector"]["matchLabels"])))


def put_workload(mirror: Mirror, service: Object, workload: Workload, runtime: Object) -> None:
    labels = {"app": f"isvc.{workload.name}"}
    template = pod_template(service, workload.predictor, runtime, labels)
    metadata = {
        "name": workload.name,
        "labels": {OWNER: name_of(service), "component": "predictor", **labels},
        "ownerReferences": [owner_reference(service)],
    }
    ports = [{"name": workload.name, "port": 80, "targetPort": 8080}]
    mirror.put(SERVICES, {"metadata": metadata, "spec": {"selector": labels, "ports": ports}})
    spec = {"replicas": workload.replicas, "selector": {"matchLabels": labels}, "template": template}
    strategy = workload.predictor.get("deploymentStrategy")
    deployment = mirror.put(
        DEPLOYMENTS, {"metadata": metadata, "spec": {**spec, **({"strategy": strategy} if strategy else {})}}
    )
    step_deployment(mirror, deployment, template)


def remove_others(mirror: Mirror, keep: set[str]) -> None:
    """What no predictor stands for goes at once, Service and Deployment, whatever traffic it has."""
    for kind in (DEPLOYMENTS, SERVICES):
        for each in mirror.all(kind, lambda found: OWNER in found["metadata"].get("labels", {}) and name_of(found) not in keep):
            mirror.delete(kind, name_of(each))
    apps = {f"isvc.{name}" for name in keep}
    for pod in mirror.all(PODS, lambda found: not is_ending(found) and found["metadata"]["labels"].get("app") not in apps):
        mirror.delete_pod(name_of(pod))
    if not keep:
        for each in mirror.all(ROUTES):
            mirror.delete(ROUTES, name_of(each))


def put_routes(
    mirror: Mirror, service: Object, wanted: list[Workload], ready: dict[str, int], routing: Routing | None = None
) -> None:
    """Give each ready canary its share, unless the stable is degraded: then nothing changes."""
    deployment = mirror.get(DEPLOYMENTS, wanted[0].name)
    if deployment is None or not is_available(deployment, ready[wanted[0].name]) or not ready[wanted[0].name]:
        return
    weights = {each.name: each.percent if ready[each.name] else 0 for each in wanted[1:]}
    (routing or Routing()).put(mirror, service, wanted[0].name, weights)


def _status(service: Object, stable: Object | None, ready: dict[str, int], reason: str, *, resolved: bool = True) -> Object:
    """Shares in ``canaryStatuses`` are those of the specification, whatever the route has; a canary's trouble is not told."""
    available = None if stable is None else is_available(stable, ready[name_of(stable)]) and bool(ready[name_of(stable)])
    good = bool(available)
    name, namespace = name_of(service), service["metadata"]["namespace"]
    predictor = condition("PredictorReady", good, reason or ("" if good else "MinimumReplicasUnavailable"))
    told = "" if good and resolved else "Predictor ingress not created"
    ingress = condition("IngressReady", good and resolved, told)
    address = f"http://{workload_name(service, service['spec']['predictor'])}.{namespace}.svc.cluster.local"
    invalid = {"transitionStatus": "InvalidSpec", "lastFailureInfo": {"reason": reason}}
    return {
        "conditions": [ingress, predictor, condition("Ready", good and resolved)],
        "canaryStatuses": [
            {
                "name": each["predictor"].get("name", ""),
                "ready": bool(ready.get(workload_name(service, each["predictor"]))),
                "trafficPercent": each["trafficPercent"],
            }
            for each in service["spec"].get("canary", [])
        ],
        "components": {"predictor": {"url": f"http://{name}-predictor-{namespace}.example.com"}},
        "deploymentMode": "Standard",
        "modelStatus": invalid if reason in RUNTIME_REASONS else {"transitionStatus": "UpToDate"},
        "observedGeneration": 0 if stable is None else stable["metadata"]["generation"],
        "url": f"http://{name}-{namespace}.example.com",
        "address": {"url": address},
    }
