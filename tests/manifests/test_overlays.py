"""Every overlay and every component, built and applied by kubectl to a real API server."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from components._image import TRAIN_IMAGE
from pipelines.definitions import DEFINITIONS
from tests.manifests.built import COMPONENTS, NEEDS, OVERLAYS, ROOT, build, build_text, namespace_of, of_kind, only
from tests.servers.kubernetes import Kubernetes

ISTIO_GATEWAY = ROOT / "manifests/gateway"
MOST_LINES = 40

overlays = pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS)


def versions(cluster: Kubernetes, text: str) -> dict[str, str]:
    """The resource version of each object of a YAML text."""
    found = json.loads(cluster.kubectl("get", "-f", "-", "-o", "json", text=text))["items"]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in found}


def apply_twice(cluster: Kubernetes, text: str) -> None:
    states = []
    for _ in range(2):
        cluster.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", text=text)
        states.append(versions(cluster, text))
    assert states[0] == states[1]


@overlays
def test_overlay_is_applied_and_applying_it_again_changes_nothing(cluster, overlay):
    """The API server knows every field of an overlay, and the second time writes nothing."""
    apply_twice(cluster, build_text(overlay))


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_is_applied_by_itself(cluster, tmp_path, name):
    """Each feature works without the others, but for those that change what another one made."""
    write_overlay(tmp_path, f"alone-{name}", *(each for each in (NEEDS.get(name), name) if each))
    cluster.kubectl("apply", "--server-side", "--validate=strict", "-k", str(tmp_path))


def write_overlay(folder: Path, namespace: str, *components: str) -> None:
    """An overlay of these components, in their order."""
    root = Path(os.path.relpath(ROOT, folder.resolve()))  # kustomize reads relative paths only
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": ["namespace.yaml", str(root / "manifests")],
        "components": [str(root / "kustomize/components" / each) for each in components],
    }
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"any": "label"}}}
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    (folder / "namespace.yaml").write_text(json.dumps(made))


def test_scaling_goes_by_the_traffic_of_its_own_namespace(tmp_path):
    """KEDA asks Prometheus for the notes of the namespace that the overlay makes, whichever that is."""
    write_overlay(tmp_path, "ward-seven", "standard", "autoscaling-keda")
    (metric,) = only(build(tmp_path), "InferenceService")["spec"]["predictor"]["autoScaling"]["metrics"]
    assert 'clinical_ner_notes_total{namespace="ward-seven"}' in metric["external"]["metric"]["query"]


def test_gateway_rules_are_applied(cluster):
    """What decides who may call is accepted in the gateway's namespace."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kserve"}})
    apply_twice(cluster, build_text(ISTIO_GATEWAY))


@overlays
def test_overlay_holds_no_secret(overlay):
    """Secrets are referred to by name and made by hand: none is built, nor is a value that looks like one."""
    objects = build(overlay)
    assert not of_kind(objects, "Secret")
    text = build_text(overlay)
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|://[^/\s@]+:[^/\s@]+@", text)
    for container in containers(objects):
        for variable in container.get("env", []):
            secret = re.search("KEY|SECRET|TOKEN|PASSWORD", variable["name"])
            assert not secret or "secretKeyRef" in variable["valueFrom"], variable["name"]


def containers(objects):
    """Every container of the objects, wherever it stands."""
    stack = list(objects)
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield from node.get("containers") or []
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


@overlays
def test_overlay_names_each_image_once(overlay):
    """An overlay's images are the server's and the stages', and a change of either in one line reaches every container."""
    images = {container["image"] for container in containers(build(overlay))}
    _, _, version = TRAIN_IMAGE.partition(":")
    assert images == {TRAIN_IMAGE, f"clinical-ner/python-serve:{version}"}


@overlays
def test_overlay_leaves_to_a_rollout_what_is_its_own(overlay):
    """Model, digest, split, canary and the predictor's name are in no overlay; in Standard mode its size neither."""
    service = only(build(overlay), "InferenceService")
    predictor = service["spec"]["predictor"]
    standard = service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    assert service["spec"].keys() == {"predictor"}
    assert not predictor.keys() & {"name", "canaryTrafficPercent", *(["minReplicas"] if standard else [])}
    assert not predictor["model"].keys() & {"storageUri", "storage", "env", "name"}


@overlays
def test_overlay_is_read_in_a_minute(overlay):
    """An overlay is a few lines; what they mean stands in components and manifests."""
    lines = sum(len(path.read_text().splitlines()) for path in overlay.iterdir())
    assert lines <= MOST_LINES, lines


@overlays
def test_namespace_enforces_restricted_pods(overlay):
    """Every object lies in the overlay's own namespace, which enforces Pod Security "restricted"."""
    objects = build(overlay)
    labels = only(objects, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace", namespace_of(objects)) for each in objects} == {namespace_of(objects)}


def test_pipelines_are_those_of_the_repository():
    """Each pipeline is there with one version, for the account and the secrets that the manifests make."""
    objects = build(ROOT / "manifests/pipelines")
    assert {each["metadata"]["name"] for each in of_kind(objects, "Pipeline")} == {each.name for each in DEFINITIONS}
    assert {each["spec"]["pipelineName"] for each in of_kind(objects, "PipelineVersion")} == {each.name for each in DEFINITIONS}
    text = build_text(ROOT / "manifests/pipelines")
    assert set(re.findall(r"clinical-ner/service-account: (\S+)", text)) == {"clinical-ner-pipeline-runner"}
    assert set(re.findall(r"secretName: (\S+)", text)) == {"clinical-ner-pipelines-s3"}
    assert set(re.findall(r"configMapName: (\S+)", text)) == {"clinical-ner-storage"}


def test_every_folder_of_manifests_is_used():
    """No kustomization is forgotten: each is part of the base, of a component, or applied by itself as its comment says."""
    folders = {path.parent for path in (ROOT / "manifests").rglob("kustomization.yaml")}
    used = {ROOT / "manifests", ISTIO_GATEWAY, ROOT / "manifests/admission"}
    for path in [*(ROOT / "manifests").rglob("kustomization.yaml"), *(ROOT / "kustomize").rglob("kustomization.yaml")]:
        content = yaml.safe_load(path.read_text())
        used |= {(path.parent / each).resolve() for key in ("resources", "components") for each in content.get(key, [])}
    assert folders <= used
