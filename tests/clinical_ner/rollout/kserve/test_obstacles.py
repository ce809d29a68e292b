"""What stands in the way of a rollout, by what was discovered."""

import copy
from dataclasses import replace

import pytest

from clinical_ner.rollout.kserve.discovery import Discovered, find_mode
from clinical_ner.rollout.kserve.obstacles import find_obstacles
from tests.manifests.built import OVERLAYS, build, only


def built(overlay, **found):
    """What a cluster in order shows of the service of an overlay."""
    objects = build(OVERLAYS[overlay])
    service = copy.deepcopy(only(objects, "InferenceService"))
    mode, told = find_mode(service, None)
    sound = Discovered(
        namespace=service["metadata"]["namespace"],
        name=service["metadata"]["name"],
        kserve=True,
        service=service,
        mode=mode,
        mode_told=told,
        canary_field=True,
        controller="v0.20.0",
        gateway_api=True,
        gateway_enabled=True,
        route=True,
        prometheus_operator=True,
        rollouts=True,
        holder="",
        runtime=only(objects, "ServingRuntime"),
        restricted=True,
        fetcher_secured=True,
        user="ada",
        missing=(("controller", ()), ("person", ())),
    )
    return replace(sound, **found)


def changed(found, *path, to):
    """The same with another value at a path of the InferenceService."""
    service = copy.deepcopy(found.service)
    place = service
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = to
    return replace(found, service=service)


def written_by(found, manager, field):
    fields = {"f:spec": {"f:predictor": {"f:model": {f"f:{field}": {}}}}}
    entry = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    return changed(found, "metadata", "managedFields", to=[entry])


@pytest.mark.parametrize("overlay", sorted(OVERLAYS))
def test_overlay_as_delivered_has_no_obstacle(overlay):
    """Each of them can be rolled out on; so can it where nothing more may be read than the controller may."""
    found = built(overlay)
    assert find_obstacles(found) == []
    unknown = replace(found, controller=None, gateway_enabled=None, route=None, runtime=None, restricted=None)
    assert find_obstacles(unknown) == []


STANDARD, KNATIVE = built("production"), built("dev")
ANNOTATIONS = ("metadata", "annotations")
MAX_UNAVAILABLE = ("spec", "predictor", "deploymentStrategy", "rollingUpdate", "maxUnavailable")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(STANDARD, kserve=False), "KServe is not installed"),
        (replace(STANDARD, service=None), "no InferenceService clinical-ner in namespace clinical-ner"),
        (replace(STANDARD, rollouts=False), "apply manifests/rollout"),
        (changed(STANDARD, *ANNOTATIONS, "serving.kserve.io/stop", to="true"), "is stopped"),
        (replace(STANDARD, mode="", mode_told="ModelMesh: its annotation"), "mode is ModelMesh"),
        (replace(STANDARD, canary_field=False), "canaryTrafficPercent would send everything to the new model"),
        (replace(STANDARD, gateway_api=False), "has no Gateway API"),
        (replace(STANDARD, gateway_enabled=False), "set ingress.enableGatewayApi"),
        (replace(STANDARD, name="clinical-ner" * 3), "shorten them by"),
        (changed(STANDARD, *ANNOTATIONS, "serving.kserve.io/autoscalerClass", to="hpa"), "class is hpa"),
        (changed(STANDARD, *ANNOTATIONS, to={}), "class is hpa"),
        (changed(STANDARD, "spec", "predictor", "deploymentStrategy", to={}), "maxUnavailable is the default of 25 %"),
        (changed(STANDARD, *MAX_UNAVAILABLE, to="50%"), "maxUnavailable is 50%"),
        (changed(STANDARD, "spec", "predictor", "canaryTrafficPercent", to=10), "which Standard mode ignores"),
        (changed(KNATIVE, "spec", "canary", to=[{"trafficPercent": 10}]), "which Knative mode refuses"),
        (written_by(KNATIVE, "argocd", "storageUri"), "storageUri belongs to the rollout and was written by argocd"),
        (written_by(STANDARD, "helm", "env"), "env belongs to the rollout and was written by helm"),
        (changed(KNATIVE, "spec", "predictor", "model", "modelFormat", "name", to="onnx"), "not onnx"),
        (replace(KNATIVE, fetcher_secured=False), "apply manifests/storage/storage-initializer.yaml"),
        (replace(KNATIVE, missing=(("controller", ("list pods",)), ("person", ()))), "ada may not list pods"),
    ],
)
def test_obstacle_is_told(found, words):
    """One sentence each, and no other."""
    (told,) = find_obstacles(found)
    assert words in told


def test_missing_route_counts_once_the_service_is_ready():
    """Before its first version is, KServe makes none."""
    found = replace(STANDARD, route=False, gateway_enabled=None)
    assert find_obstacles(found) == []
    ready = changed(found, "status", to={"conditions": [{"type": "Ready", "status": "True"}]})
    (told,) = find_obstacles(ready)
    assert "no HTTPRoute" in told


def test_person_needs_less_than_the_controller():
    """Who asks for rollouts need not be able to carry them out."""
    found = replace(KNATIVE, missing=(("controller", ("patch inferenceservices",)), ("person", ())))
    assert find_obstacles(found, "person") == []
    assert find_obstacles(found) != []


@pytest.mark.parametrize(
    ("status", "annotation", "default", "mode"),
    [
        ("Standard", "Knative", "Knative", "Standard"),
        (None, "Serverless", "Standard", "Knative"),
        (None, None, "RawDeployment", "Standard"),
        (None, "ModelMesh", "Standard", ""),
        (None, None, None, ""),
    ],
)
def test_mode_is_what_kserve_does(status, annotation, default, mode):
    """Its status first, then what it was told; an annotation that came later changes nothing."""
    annotations = {"serving.kserve.io/deploymentMode": annotation} if annotation else {}
    service = {"metadata": {"annotations": annotations}, "status": {"deploymentMode": status} if status else {}}
    config = {"data": {"deploy": f'{{"defaultDeploymentMode": "{default}"}}'}} if default else None
    assert find_mode(service, config)[0] == mode
