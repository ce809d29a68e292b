"""Pods, Deployments and routes as an API server gives them."""

from clinical_ner.rollout.kserve.resources import DIGEST_VARIABLE, SOURCE_URI

CREATED, STARTED, LATER = "2026-03-01T12:00:00Z", "2026-03-01T12:00:10Z", "2026-03-01T12:05:00Z"
DIGEST = "sha256:" + "1" * 64
URI = "s3://bucket/models/clinical-ner/{}"


def pod(name="one", version="v1", *, ready=True, restarts=0, changed=CREATED, **changes):
    """A running pod of the server; ``changed`` is when its readiness changed last."""
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": CREATED,
            "labels": {"app": f"isvc.ner-{version}-predictor"},
            "annotations": {SOURCE_URI: URI.format(version)},
            **changes.pop("metadata", {}),
        },
        "spec": {"containers": [{"name": "kserve-container", "env": [{"name": DIGEST_VARIABLE, "value": DIGEST}]}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": changed}],
            "containerStatuses": [container(restarts, **changes.pop("container", {}))],
            **changes,
        },
    }


def container(restarts=0, **changes):
    running = {"state": {"running": {"startedAt": STARTED}}, "lastState": {}}
    return {"name": "kserve-container", "restartCount": restarts, **running, **changes}


def deployment(version="v1", *, replicas=1, ready=1, **metadata):
    labels = {"app": f"isvc.ner-{version}-predictor"}
    return {
        "metadata": {"uid": f"deployment-{version}", "generation": 1, "creationTimestamp": CREATED, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "kserve-container"}]}},
        },
        "status": {"observedGeneration": 1, "updatedReplicas": ready, "readyReplicas": ready},
    }


def route(**weights):
    references = [{"name": f"ner-{version}-predictor", "weight": weight} for version, weight in weights.items()]
    return {"metadata": {"generation": 2}, "spec": {"rules": [{"backendRefs": references}]}}
