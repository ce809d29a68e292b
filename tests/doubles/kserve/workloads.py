"""The Deployment controller: pods of a template in the wanted number, rolled as the strategy allows."""

import hashlib
import itertools
import json
import math

from tests.doubles.kserve.objects import DEPLOYMENTS, PODS, Mirror, Object, condition, keep_times, name_of, owner_reference

HASH = "pod-template-hash"
NUMBERS = itertools.count()


def template_hash(template: Object) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def make_pod(owner: Object, template: Object, prefix: str) -> Object:
    """A pod on the only node there is, with the model fetcher that KServe's webhook adds."""
    metadata = {**template["metadata"], "name": f"{prefix}-{next(NUMBERS):05x}", "ownerReferences": [owner_reference(owner)]}
    fetcher = {
        "name": "storage-initializer",
        "image": "kserve/storage-initializer",
        "securityContext": template["spec"]["containers"][0].get("securityContext", {}),
    }
    spec = {**template["spec"], "nodeName": "node", "initContainers": [fetcher]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions) and not is_ending(pod)


def is_ending(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def living_pods(mirror: Mirror, labels: Object) -> list[Object]:
    return [each for each in mirror.all(PODS) if labels.items() <= each["metadata"]["labels"].items() and not is_ending(each)]


def limits(deployment: Object) -> tuple[int, int]:
    """How many pods more, and how many ready ones fewer than wanted there may be."""
    rolling = deployment["spec"].get("strategy", {}).get("rollingUpdate", {})
    replicas = deployment["spec"]["replicas"]
    surge = _count(rolling.get("maxSurge", "25%"), replicas, math.ceil)
    unavailable = _count(rolling.get("maxUnavailable", "25%"), replicas, math.floor)
    return surge, unavailable if surge or unavailable else 1


def _count(value: int | str, replicas: int, rounded) -> int:
    return value if isinstance(value, int) else rounded(replicas * int(value.rstrip("%")) / 100)


def is_available(deployment: Object, ready: int) -> bool:
    return ready >= deployment["spec"]["replicas"] - limits(deployment)[1]


def step_deployment(mirror: Mirror, deployment: Object, template: Object) -> None:
    """Create and delete pods by one step, and write the status."""
    labels, wanted = deployment["spec"]["selector"]["matchLabels"], template_hash(template)
    pods = living_pods(mirror, labels)
    new = [each for each in pods if each["metadata"]["labels"].get(HASH) == wanted]
    old = [each for each in pods if each not in new]
    for each in _surplus(deployment, new, old):
        mirror.delete_pod(name_of(each))
    hashed = {**template, "metadata": {**template["metadata"], "labels": {**template["metadata"]["labels"], HASH: wanted}}}
    for _ in range(_missing(deployment, new, old)):
        mirror.put(PODS, make_pod(deployment, hashed, f"{name_of(deployment)}-{wanted}"))
    write_status(mirror, deployment, wanted)


def _missing(deployment: Object, new: list[Object], old: list[Object]) -> int:
    replicas = deployment["spec"]["replicas"]
    return max(min(replicas - len(new), replicas + limits(deployment)[0] - len(new) - len(old)), 0)


def _surplus(deployment: Object, new: list[Object], old: list[Object]) -> list[Object]:
    """Pods to delete: of the present template those beyond the number, of older ones as many as may be unavailable."""
    replicas = deployment["spec"]["replicas"]
    newest_first = sorted(new, key=lambda each: int(name_of(each).rpartition("-")[2], 16), reverse=True)
    surplus = sorted(newest_first, key=is_ready)[: max(len(new) - replicas, 0)]
    unready = [each for each in old if not is_ready(each)]
    ready = [each for each in old if is_ready(each)]
    spare = len(ready) + sum(map(is_ready, new)) - (replicas - limits(deployment)[1])
    return surplus + unready + ready[: max(spare, 0)]


def write_status(mirror: Mirror, deployment: Object, wanted: str) -> None:
    pods = living_pods(mirror, deployment["spec"]["selector"]["matchLabels"])
    ready = sum(map(is_ready, pods))
    updated = sum(each["metadata"]["labels"].get(HASH) == wanted for each in pods)
    available = is_available(deployment, ready)
    conditions = [
        condition("Available", available, "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable"),
        condition("Progressing", True, "NewReplicaSetAvailable" if available else "ReplicaSetUpdated"),
    ]
    counts = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": updated}
    status = {
        **{name: value for name, value in counts.items() if value},
        **({"unavailableReplicas": missing} if (missing := deployment["spec"]["replicas"] - ready) > 0 else {}),
        "observedGeneration": deployment["metadata"]["generation"],
        "conditions": keep_times(conditions, deployment.get("status", {}).get("conditions", [])),
    }
    status["conditions"] = [{**each, "lastUpdateTime": each["lastTransitionTime"]} for each in status["conditions"]]
    mirror.put_status(DEPLOYMENTS, name_of(deployment), status)
