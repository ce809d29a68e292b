"""KServe's Knative mode: a Knative service whose traffic names the latest ready revision and the one rolled out last."""

from dataclasses import dataclass, field

from tests.doubles.kserve.gateway import Backend
from tests.doubles.kserve.objects import (
    KNATIVE_KINDS,
    KNATIVE_ROUTES,
    KNATIVE_SERVICES,
    RUNTIMES,
    Mirror,
    Object,
    condition,
    keep_times,
    name_of,
    owner_reference,
)
from tests.doubles.kserve.predictors import pod_template, runtime_reason
from tests.doubles.kserve.revisions import MIN_SCALE, REVISION, Revisions, all_revisions, crashing, latest_ready, ready_of
from tests.doubles.kserve.standard import STOP
from tests.doubles.kserve.timing import Timing

UNSUPPORTED = ("securityContext", "topologySpreadConstraints", "nodeSelector", "tolerations", "affinity")
CONTAINER_FIELDS = {
    "env",
    "image",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "volumeMounts",
}


@dataclass
class KnativeMode:
    timing: Timing
    revisions: Revisions = field(init=False)
    kinds = KNATIVE_KINDS

    def __post_init__(self) -> None:
        self.revisions = Revisions(self.timing)

    def reconcile(self, mirror: Mirror, service: Object, now: float) -> Object | None:
        """One pass over everything; the status to write."""
        if service["metadata"].get("annotations", {}).get(STOP) == "true":
            self.remove(mirror)
            return _stopped(service, "Stopped")
        predictor = service["spec"]["predictor"]
        runtime = mirror.get(RUNTIMES, predictor["model"].get("runtime", ""))
        reason = runtime_reason(predictor, runtime)
        if reason or runtime is None:
            return _stopped(service, reason)
        refused = refusal(predictor, runtime)
        if not refused:
            put_service(mirror, service, predictor, runtime)
        knative = mirror.get(KNATIVE_SERVICES, f"{name_of(service)}-predictor")
        if knative is None:
            return _stopped(service, "ReconcileFailed", refused)
        self._step(mirror, knative, now)
        return status_of(mirror, service, refused)

    def remove(self, mirror: Mirror) -> None:
        for kind in (KNATIVE_ROUTES, KNATIVE_SERVICES):
            for each in mirror.all(kind):
                mirror.delete(kind, name_of(each))
        self.revisions.remove(mirror)

    def backends(self, mirror: Mirror, service: str) -> list[Backend]:
        """Where calls are sent."""
        shares: dict[str, int] = {}
        for each in carried(mirror, f"{service}-predictor"):
            shares[each["revisionName"]] = shares.get(each["revisionName"], 0) + each.get("percent", 0)
        return [Backend(name, percent, {REVISION: name}) for name, percent in shares.items()]

    def living(self, mirror: Mirror) -> set[str]:
        """Revisions that are there."""
        return {name_of(each) for each in all_revisions(mirror)}

    def _step(self, mirror: Mirror, knative: Object, now: float) -> None:
        template = knative["spec"]["template"]
        living = {name_of(each) for each in all_revisions(mirror) if _owned_by(each, knative)}
        if len(living) < len(all_revisions(mirror)):
            self.revisions.remove(mirror)  # of a service that was deleted
        self.revisions.make(mirror, knative, template)
        put_route(mirror, knative)
        named = {each["revisionName"] for each in carried(mirror, name_of(knative))}
        targets, _ = resolve(mirror, knative["spec"]["traffic"])
        self.revisions.step(mirror, named | {each["revisionName"] for each in targets}, now)


def _owned_by(revision: Object, knative: Object) -> bool:
    return any(each["uid"] == knative["metadata"]["uid"] for each in revision["metadata"]["ownerReferences"])


def refusal(predictor: Object, runtime: Object) -> str:
    """Why Knative's webhook refuses the pods; empty when it does not."""
    for name in UNSUPPORTED:
        if predictor.get(name):
            return f"must not set the field(s): spec.template.spec.{name}"
    for container in runtime["spec"]["containers"]:
        if len(container.get("ports", [])) > 1:
            return "more than one container port is set: spec.template.spec.containers.ports"
        variables = [*container.get("env", []), *predictor["model"].get("env", [])]
        if any("fieldRef" in each.get("valueFrom", {}) for each in variables):
            return "must not set the field(s): spec.template.spec.containers.env.valueFrom.fieldRef"
    return ""


def put_service(mirror: Mirror, service: Object, predictor: Object, runtime: Object) -> None:
    metadata = {
        "name": f"{name_of(service)}-predictor",
        "labels": {"serving.kserve.io/inferenceservice": name_of(service), "component": "predictor"},
        "ownerReferences": [owner_reference(service)],
    }
    component = service.get("status", {}).get("components", {}).get("predictor", {})
    traffic = traffic_targets(predictor.get("canaryTrafficPercent"), component.get("latestRolledoutRevision", ""))
    template = service_template(service, predictor, runtime)
    mirror.put(KNATIVE_SERVICES, {"metadata": metadata, "spec": {"template": template, "traffic": traffic}})


def service_template(service: Object, predictor: Object, runtime: Object) -> Object:
    template = pod_template(service, predictor, runtime, {})
    annotations = {
        **template["metadata"]["annotations"],
        "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev",
        MIN_SCALE: str(predictor.get("minReplicas", 1)),
    }
    pod = template["spec"]
    containers = [{name: value for name, value in each.items() if name in CONTAINER_FIELDS} for each in pod["containers"]]
    spec = {"containers": containers, "volumes": pod["volumes"], "timeoutSeconds": predictor.get("timeout", 300)}
    account = {name: pod[name] for name in ("serviceAccountName",) if name in pod}
    return {"metadata": {**template["metadata"], "annotations": annotations}, "spec": {**spec, **account}}


def traffic_targets(percent: int | None, rolled_out: str) -> list[Object]:
    """``prev`` is what the status says was rolled out last, whether or not it is that any more (kserve#2130)."""
    if percent is None or not rolled_out:
        return [{"latestRevision": True, "percent": 100}]
    targets: list[Object] = [{"latestRevision": True, "percent": percent}]
    if percent < 100:
        targets.append({"latestRevision": False, "percent": 100 - percent, "revisionName": rolled_out, "tag": "prev"})
    return targets


def resolve(mirror: Mirror, traffic: list[Object]) -> tuple[list[Object], str]:
    """The targets by the revisions that they mean now; and why a route cannot be changed to them."""
    known = all_revisions(mirror)
    latest = latest_ready(known)
    targets = [{**each, "revisionName": latest if each["latestRevision"] else each["revisionName"]} for each in traffic]
    names = {name_of(each): each for each in known}
    for target in targets:
        if target["revisionName"] not in names:
            return targets, "RevisionMissing"
        if ready_of(names[target["revisionName"]]) != "True" or crashing(mirror, target["revisionName"]):
            return targets, "RevisionFailed"
    return targets, ""


def put_route(mirror: Mirror, knative: Object) -> None:
    """The route is left as it is while one of its new targets is not ready."""
    metadata = {"name": name_of(knative), "ownerReferences": [owner_reference(knative)]}
    route = mirror.put(KNATIVE_ROUTES, {"metadata": metadata, "spec": {"traffic": knative["spec"]["traffic"]}})
    targets, trouble = resolve(mirror, knative["spec"]["traffic"])
    old = route.get("status", {})
    traffic = old.get("traffic", []) if trouble else targets
    frozen = trouble and old.get("traffic", []) != targets
    conditions = [
        condition(kind, None if frozen else True, trouble if frozen else "") for kind in ("AllTrafficAssigned", "Ready")
    ]
    status = {"conditions": keep_times(conditions, old.get("conditions", [])), "traffic": traffic}
    mirror.put_status(KNATIVE_ROUTES, name_of(route), {**status, "observedGeneration": route["metadata"]["generation"]})


def carried(mirror: Mirror, name: str) -> list[Object]:
    """The targets that the route carries."""
    route = mirror.get(KNATIVE_ROUTES, name)
    return [] if route is None else list(route.get("status", {}).get("traffic", []))


def rolled_out(old: Object, created: str, ready: str, traffic: list[Object]) -> Object:
    """Which revisions have had everything, the last and the one before, as the status follows the traffic."""
    latest, previous = old.get("latestRolledoutRevision", ""), old.get("previousRolledoutRevision", "")
    share = next((each["percent"] for each in traffic if each["latestRevision"] and each["revisionName"] == ready), None)
    total = sum(each["percent"] for each in traffic if each["revisionName"] == ready)
    if share == 100 and latest != ready:
        latest, previous = ready, latest
    elif share is not None and share < 100 and latest == ready == created and total == 100 and previous:
        latest = previous
    names = {"latestRolledoutRevision": latest, "previousRolledoutRevision": previous}
    return {name: value for name, value in names.items() if value}


def status_of(mirror: Mirror, service: Object, refused: str) -> Object:
    """Nothing in it tells of pods: a canary that crashes after it was ready is as ready as before."""
    name, namespace = name_of(service), service["metadata"]["namespace"]
    known, route = all_revisions(mirror), mirror.get(KNATIVE_ROUTES, f"{name}-predictor")
    created, ready, traffic = name_of(known[-1]), latest_ready(known), carried(mirror, f"{name}-predictor")
    configured = {"True": True, "False": False}.get(ready_of(known[-1]))
    routed = bool(traffic) and ready_of(route or {}) == "True"
    good = False if configured is False else True if configured and routed else None
    component = service.get("status", {}).get("components", {}).get("predictor", {})
    url = f"http://{name}-predictor-{namespace}.example.com"
    predictor = condition("PredictorReady", False, "ReconcileFailed", refused) if refused else condition("PredictorReady", good)
    knative = mirror.get(KNATIVE_SERVICES, f"{name}-predictor") or {}
    return {
        "conditions": [
            condition("IngressReady", bool(traffic)),
            condition("LatestDeploymentReady", configured),
            condition("PredictorConfigurationReady", configured),
            predictor,
            condition("PredictorRouteReady", routed or None),
            condition("Ready", False if refused else good),
            condition("RoutesReady", routed or None),
        ],
        "components": {
            "predictor": {
                "latestCreatedRevision": created,
                **({"latestReadyRevision": ready} if ready else {}),
                **rolled_out(component, created, ready, traffic),
                "traffic": traffic,
                "url": url,
            }
        },
        "deploymentMode": "Knative",
        "modelStatus": {"transitionStatus": "UpToDate" if created == ready else "InProgress"},
        "observedGeneration": knative["metadata"]["generation"],
        "url": f"http://{name}-{namespace}.example.com",
        "address": {"url": f"http://{name}-predictor.{namespace}.svc.cluster.local"},
    }


def _stopped(service: Object, reason: str, message: str = "") -> Object:
    conditions = [condition("PredictorReady", False, reason, message), condition("Ready", False, reason, message)]
    component = service.get("status", {}).get("components", {})
    return {"conditions": conditions, "components": component, "deploymentMode": "Knative"}
