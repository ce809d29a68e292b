"""The kinds of objects that make up an InferenceService on a cluster, how they are named, and what their fields say. Pure."""

from typing import Any

from clinical_ner.kubernetes_api import Resource

Json = dict[str, Any]

INFERENCE_SERVICES = Resource("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices")
HTTP_ROUTES = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
PODS = Resource("v1", "Pod", "pods")

SERVICE_LABEL = "serving.kserve.io/inferenceservice"
"""On every pod of an InferenceService, in both modes."""
SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
"""On a pod: the URI from which its model was really fetched."""
MODE, STOP = "serving.kserve.io/deploymentMode", "serving.kserve.io/stop"
DIGEST_VARIABLE = "CLINICAL_NER_MODEL_DIGEST"
SERVER = "kserve-container"
"""The name of the model server's container, in both modes."""

_KNATIVE = {"Knative", "Serverless"}


def token_of(service: Json) -> str:
    """Names the state of an InferenceService's specification: ``uid:generation``, which writing its status does not change."""
    metadata = service["metadata"]
    return f"{metadata['uid']}:{metadata['generation']}"


def version_of(uri: str) -> str:
    """The version in the URI of a model's folder, ``.../MODEL/VERSION``; empty for an empty one."""
    return uri.rstrip("/").rpartition("/")[2]


def uri_of(predictor: Json) -> str:
    """Empty when no model is given."""
    return str(predictor.get("model", {}).get("storageUri") or "")


def digest_in(holder: Json) -> str:
    """The digest in ``env`` of a container or of a predictor's ``model``; empty when there is none."""
    found = (each.get("value") for each in holder.get("env") or () if each["name"] == DIGEST_VARIABLE)
    return str(next(found, None) or "")


def workload_of(service: str, predictor: Json) -> str:
    """The name of a predictor's Deployment and of its Service in Standard mode."""
    return "-".join(filter(None, (service, predictor.get("name"), "predictor")))


def is_stopped(service: Json) -> bool:
    return bool(_annotations(service).get(STOP) == "true")


def is_knative(service: Json) -> bool:
    """Whether KServe has, or is told to have, Knative serve it; False while nothing says so."""
    told = _annotations(service).get(MODE) or service.get("status", {}).get("deploymentMode")
    return told in _KNATIVE


def conditions_of(found: Json) -> dict[str, Json]:
    """By type; empty while there are none."""
    return {each["type"]: each for each in found.get("status", {}).get("conditions") or ()}


def told(condition: Json) -> str:
    """A condition's reason and message in one line."""
    return ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))


def _annotations(found: Json) -> Json:
    annotations: Json = found["metadata"].get("annotations") or {}
    return annotations
