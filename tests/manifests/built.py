"""Overlays and components as ``kubectl kustomize`` builds them, and the pods that come of them."""

import subprocess
from functools import cache
from pathlib import Path

import yaml

from tests.servers.kubernetes import find_kubectl

ROOT = Path(__file__).parents[2]
OVERLAYS = {path.name: path for path in sorted((ROOT / "kustomize/overlays").iterdir())}
COMPONENTS = {path.name: path for path in sorted((ROOT / "kustomize/components").iterdir())}
NEEDS = {"autoscaling-kpa": "knative", "autoscaling-keda": "standard", "review-samples": "log-shipping"}
"""Components that change what another one made."""

POD_FIELDS = {
    "serviceAccountName",
    "securityContext",
    "terminationGracePeriodSeconds",
    "topologySpreadConstraints",
}
"""Fields of a predictor that are fields of its pods; the others are KServe's own."""

KSERVE_FIELDS = {
    "annotations",
    "autoScaling",
    "deploymentStrategy",
    "maxReplicas",
    "minReplicas",
    "model",
    "scaleMetric",
    "scaleTarget",
    "timeout",
}

Object = dict


@cache
def build_text(folder: Path) -> str:
    """The YAML of a kustomization."""
    done = subprocess.run([find_kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def build(folder: Path) -> tuple[Object, ...]:
    """The objects of a kustomization; not to be changed."""
    return tuple(yaml.load_all(build_text(folder), Loader=yaml.CSafeLoader))


def of_kind(objects: tuple[Object, ...], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def only(objects: tuple[Object, ...], kind: str) -> Object:
    """The only object of its kind."""
    (found,) = of_kind(objects, kind)
    return found


def namespace_of(objects: tuple[Object, ...]) -> str:
    return only(objects, "Namespace")["metadata"]["name"]


def serving_pod(objects: tuple[Object, ...]) -> Object:
    """The pod template that KServe makes of runtime and predictor, without what it adds (model fetcher, queue proxy)."""
    runtime = only(objects, "ServingRuntime")["spec"]
    predictor = only(objects, "InferenceService")["spec"]["predictor"]
    assert predictor.keys() <= POD_FIELDS | KSERVE_FIELDS, "say in this file whose field it is"
    fields = {name: value for name, value in predictor.items() if name in POD_FIELDS}
    labels = {"serving.kserve.io/inferenceservice": "clinical-ner"}
    return {
        "metadata": {"labels": labels},
        "spec": {**fields, "containers": runtime["containers"], "volumes": runtime["volumes"]},
    }


def pod_templates(objects: tuple[Object, ...]) -> dict[str, Object]:
    """Every pod template that the objects hold, by the name of a pod."""
    templates = {"server": serving_pod(objects)}
    for cron_job in of_kind(objects, "CronJob"):
        templates[cron_job["metadata"]["name"]] = cron_job["spec"]["jobTemplate"]["spec"]["template"]
    for deployment in of_kind(objects, "Deployment"):
        templates[deployment["metadata"]["name"]] = deployment["spec"]["template"]
    return templates


def pod(name: str, namespace: str, template: Object) -> Object:
    metadata = {**template.get("metadata", {}), "name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
