"""What a predictor becomes: canaries inherit what they omit, pod templates take over metadata, names, refusals."""

import math
from typing import Any

from tests.doubles.kserve.objects import OWNER, SOURCE_URI, Object

NOT_COPIED = {
    SOURCE_URI,
    "autoscaling.knative.dev/min-scale",
    "autoscaling.knative.dev/max-scale",
    "kubectl.kubernetes.io/last-applied-configuration",
}
"""The default of ``inferenceService.serviceAnnotationDisallowedList``; exact keys."""

SCHEMES = ("gs://", "s3://", "pvc://", "hf://", "oci://", "https://", "http://", "abfs://", "hdfs://", "webhdfs://", "git://")
EXTENSIONS = {
    "name",
    "model",
    "annotations",
    "labels",
    "autoScaling",
    "batcher",
    "canaryTrafficPercent",
    "containerConcurrency",
    "deploymentStrategy",
    "logger",
    "maxReplicas",
    "minReplicas",
    "scaleMetric",
    "scaleMetricType",
    "scaleTarget",
    "storageContainerName",
    "storageUris",
    "timeout",
    "workerSpec",
    "resources",
}
"""Fields of a predictor that are no field of its pods."""


def merge(base: Any, own: Any) -> Any:
    """``own`` over ``base``: objects by field, lists of named things by name, everything else replaced."""
    if isinstance(base, dict) and isinstance(own, dict):
        return {**base, **{name: merge(base.get(name), value) for name, value in own.items() if value is not None}}
    if _named(base) and _named(own):
        changed = {each["name"]: each for each in own}
        kept = [merge(each, changed.pop(each["name"], {})) for each in base]
        return kept + list(changed.values())
    return base if own is None or own == "" else own


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value)


def canary_predictor(service: Object, canary: Object) -> Object:
    """The stable's predictor with the canary's own fields over it."""
    inherited: Object = merge(service["spec"]["predictor"], canary["predictor"])
    return inherited


def workload_name(service: Object, predictor: Object) -> str:
    """Of a predictor's Deployment and Service."""
    name, own = service["metadata"]["name"], predictor.get("name")
    return f"{name}-{own}-predictor" if own else f"{name}-predictor"


def minimum(predictor: Object) -> int:
    return int(predictor.get("minReplicas", 1))


def canary_replicas(service: Object, canary: Object) -> int:
    """Its own minimum, or its percentage of the stable's, rounded up."""
    own = canary["predictor"].get("minReplicas")
    return int(own) if own is not None else math.ceil(minimum(service["spec"]["predictor"]) * canary["trafficPercent"] / 100)


def stable_replicas(service: Object, ready_canaries: int) -> int:
    """The stable shrinks by each canary pod that is ready, whatever its share."""
    wanted = minimum(service["spec"]["predictor"])
    return max(wanted - ready_canaries, min(wanted, 1))


def pod_template(service: Object, predictor: Object, runtime: Object, labels: Object) -> Object:
    """Annotations and labels of the InferenceService are in it, and so roll every pod when they change."""
    metadata = service["metadata"]
    copied = {name: text for name, text in metadata.get("annotations", {}).items() if name not in NOT_COPIED}
    annotations = {**copied, **predictor.get("annotations", {}), SOURCE_URI: predictor["model"].get("storageUri", "")}
    own = {"component": "predictor", OWNER: metadata["name"], **labels}
    fields = {name: value for name, value in predictor.items() if name not in EXTENSIONS}
    return {
        "metadata": {
            "annotations": annotations,
            "labels": {**metadata.get("labels", {}), **predictor.get("labels", {}), **own},
        },
        "spec": {**fields, "containers": _containers(predictor, runtime), "volumes": runtime["spec"].get("volumes", [])},
    }


def _containers(predictor: Object, runtime: Object) -> list[Object]:
    model = predictor["model"]
    extra = {name: model[name] for name in ("env", "resources") if model.get(name)}
    first, *others = runtime["spec"]["containers"]
    return [merge(first, extra), *others]


def silent_reason(service: Object, names: list[str], predictors: list[Object]) -> str:
    """Why all reconciling stops without a word in the status; empty while it goes on."""
    for name in names:
        if len(f"{name}-{service['metadata']['namespace']}") > 63:
            return f"{name} is too long for a host name"
    for predictor in predictors:
        uri = predictor["model"].get("storageUri", "")
        if "://" in uri and not uri.startswith(SCHEMES):
            return "unknown scheme"
    return ""


def runtime_reason(predictor: Object, runtime: Object | None) -> str:
    """Why no runtime serves the model; empty when one does."""
    if runtime is None:
        return "RuntimeNotRecognized"
    protocol = predictor["model"].get("protocolVersion", "v1")
    return "" if protocol in runtime["spec"].get("protocolVersions", ["v1"]) else "NoSupportingRuntime"
