"""Knative's revisions: one for each change of the template, ready once, scaled by whether a route names them."""

from dataclasses import dataclass, field

from tests.doubles.kserve.objects import (
    OWNER,
    PODS,
    REVISIONS,
    Mirror,
    Object,
    condition,
    keep_times,
    name_of,
    owner_reference,
)
from tests.doubles.kserve.timing import Timing
from tests.doubles.kserve.workloads import is_ready, living_pods, make_pod, template_hash

REVISION = "serving.knative.dev/revision"
CONFIGURATION = "serving.knative.dev/configuration"
GENERATION = "serving.knative.dev/configurationGeneration"
DEADLINE = "serving.knative.dev/progress-deadline"
MIN_SCALE = "autoscaling.knative.dev/min-scale"
DEFAULT_DEADLINE_SECONDS = 600


def all_revisions(mirror: Mirror) -> list[Object]:
    """From the oldest to the newest."""
    return sorted(mirror.all(REVISIONS), key=lambda each: int(each["metadata"]["labels"][GENERATION]))


def ready_of(revision: Object) -> str:
    """``True``, ``False`` or ``Unknown``."""
    conditions = revision.get("status", {}).get("conditions", [])
    return next((str(each["status"]) for each in conditions if each["type"] == "Ready"), "Unknown")


def latest_ready(revisions: list[Object]) -> str:
    """The newest that is ready; what "latest" means in a route."""
    return next((name_of(each) for each in reversed(revisions) if ready_of(each) == "True"), "")


def revision_pods(mirror: Mirror, name: str) -> list[Object]:
    return living_pods(mirror, {REVISION: name})


def crashing(mirror: Mirror, name: str) -> bool:
    """Whether a process of it has ended and is not back yet."""
    statuses = (status for pod in revision_pods(mirror, name) for status in pod.get("status", {}).get("containerStatuses", []))
    return any(not each["ready"] and "terminated" in each.get("lastState", {}) for each in statuses)


@dataclass
class Revisions:
    """Makes and scales them. Remembers since when each is without traffic, and without a ready pod."""

    timing: Timing
    _idle: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)
    _templates: dict[str, str] = field(default_factory=dict)

    def make(self, mirror: Mirror, owner: Object, template: Object) -> None:
        """A new one, if the template is not that of the newest."""
        known, wanted = all_revisions(mirror), template_hash(template)
        if known and self._templates.get(known[-1]["metadata"]["uid"]) == wanted:
            return
        number = int(known[-1]["metadata"]["labels"][GENERATION]) + 1 if known else 1
        labels = {CONFIGURATION: name_of(owner), "serving.knative.dev/service": name_of(owner), GENERATION: str(number)}
        metadata = {
            "name": f"{name_of(owner)}-{number:05}",
            "labels": {**template["metadata"]["labels"], **labels},
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [owner_reference(owner)],
        }
        made = mirror.put(REVISIONS, {"metadata": metadata, "spec": template["spec"]})
        self._templates[made["metadata"]["uid"]] = wanted

    def remove(self, mirror: Mirror) -> None:
        """All of them, with their pods, as when their service is deleted."""
        for each in mirror.all(REVISIONS):
            mirror.delete(REVISIONS, name_of(each))
        for pod in living_pods(mirror, {}):
            mirror.delete_pod(name_of(pod))

    def step(self, mirror: Mirror, named: set[str], now: float) -> None:
        """Scale each and write its status; ``named`` are those that a route names."""
        known = all_revisions(mirror)
        for each in known:
            name = name_of(each)
            begun = self._begun.setdefault(str(each["metadata"]["uid"]), now)
            newest = each is known[-1]
            self._scale(mirror, each, self._wanted(each, wanted=name in named or newest, now=now))
            self._tell(mirror, each, now - begun)

    def _wanted(self, revision: Object, *, wanted: bool, now: float) -> int:
        """With traffic its smallest number; without one pod at once, and none after a while."""
        name = str(revision["metadata"]["uid"])
        if wanted:
            self._idle.pop(name, None)
            return max(int(revision["metadata"]["annotations"].get(MIN_SCALE, "1")), 1)
        idle = now - self._idle.setdefault(name, now)
        return 1 if idle < self.timing.scale_to_zero else 0

    def _scale(self, mirror: Mirror, revision: Object, wanted: int) -> None:
        pods = revision_pods(mirror, name_of(revision))
        for each in sorted(pods, key=is_ready)[: max(len(pods) - wanted, 0)]:
            mirror.delete_pod(name_of(each))
        for _ in range(wanted - len(pods)):
            mirror.put(PODS, _pod(revision))

    def _tell(self, mirror: Mirror, revision: Object, age: float) -> None:
        """Ready once its pods were: what happens to them later is not seen here. Failed when they were not in time."""
        name, old = name_of(revision), revision.get("status", {})
        pods = revision_pods(mirror, name)
        ready = sum(map(is_ready, pods))
        deadline = _seconds(revision["metadata"]["annotations"].get(DEADLINE, "")) * self.timing.deadline_factor
        late = False if age > deadline else None
        state = True if ready_of(revision) == "True" or (pods and ready == len(pods)) else late
        reason = {True: "", False: "ProgressDeadlineExceeded", None: "Deploying"}[state]
        conditions = [condition(kind, state, reason) for kind in ("ContainerHealthy", "Ready", "ResourcesAvailable")]
        status = {
            "actualReplicas": ready,
            "desiredReplicas": len(pods),
            "observedGeneration": revision["metadata"]["generation"],
            "conditions": keep_times([*conditions, condition("Active", bool(pods))], old.get("conditions", [])),
        }
        mirror.put_status(REVISIONS, name, status)


def _seconds(text: str) -> float:
    return float(text.rstrip("s")) if text else DEFAULT_DEADLINE_SECONDS


def _pod(revision: Object) -> Object:
    """With the queue proxy beside the server; it drains a pod that ends."""
    name, spec = name_of(revision), revision["spec"]
    server = spec["containers"][0]
    proxy = {"name": "queue-proxy", "image": "knative/queue", "securityContext": server.get("securityContext", {})}
    labels = {**revision["metadata"]["labels"], REVISION: name, "app": name}
    copied = ("serviceAccountName", "volumes")
    pod_spec = {
        **{field_name: spec[field_name] for field_name in copied if field_name in spec},
        "terminationGracePeriodSeconds": spec.get("timeoutSeconds", 300),
        "securityContext": {"runAsNonRoot": True},
        "containers": [server, *spec["containers"][1:], proxy],
    }
    template = {"metadata": {"labels": labels, "annotations": revision["metadata"]["annotations"]}, "spec": pod_spec}
    assert OWNER in labels
    return make_pod(revision, template, f"{name}-deployment")
