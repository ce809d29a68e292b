"""An overlay applied in the middle of a real target's rollout leaves every pod, and the next step goes on as if nothing was."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from clinical_ner.errors import TargetChanged
from clinical_ner.kubernetes_api import MANAGER
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.standard import StandardTarget
from tests.doubles.kserve.harness import KnativeHarness, KServeHarness, StandardHarness
from tests.doubles.kserve.objects import PODS
from tests.manifests.built import OVERLAYS, build
from tests.manifests.gitops import application, ignored_pointers, is_below, owned_pointers
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes

MODES = {"Standard": (StandardHarness, StandardTarget), "Knative": (KnativeHarness, KnativeTarget)}
WAYS = {"--server-side=true": 20, "--server-side=false": 30}
"""Each way of kubectl, and the share that the rollout goes on to after it."""


def shift(harness: KServeHarness, percent: int) -> None:
    """Ask for a share until it is proven, as whoever advances rollouts does."""

    def proven() -> bool:
        seen = harness.target.observe()
        with suppress(TargetChanged):  # KServe writes meanwhile; the next look sees it
            harness.target.set_percent(percent, seen)
        return harness.target.observe().percent == percent

    harness.wait(proven, f"{percent} % is not proven")


def start(harness: KServeHarness) -> None:
    """The same for the canary, until it is ready."""

    def ready() -> bool:
        with suppress(TargetChanged):
            harness.target.start(harness.models["v2"], harness.target.observe())
        canary = harness.target.observe().canary
        return canary is not None and canary.ready

    harness.wait(ready, "the canary is not ready")


@pytest.fixture(scope="module", params=MODES)
def midway(request: pytest.FixtureRequest, started: Callable[[str], Kubernetes]) -> Iterator[KServeHarness]:
    """A service whose canary has 10 %, all of it done by the target."""
    kind, target = MODES[request.param]
    with kind(started(KSERVE_VERSIONS[0]), f"applied-{request.param.lower()}", target) as harness:
        start(harness)
        shift(harness, 10)
        yield harness


def pods(harness: KServeHarness) -> dict[str, str]:
    """By name, which pod it is and what it was made of."""
    found = harness.api.list(PODS, {})
    return {each["metadata"]["name"]: each["metadata"]["uid"] + json.dumps(each["spec"]) for each in found}


@pytest.mark.parametrize("way", WAYS)
def test_overlay_leaves_pods_and_the_rollout_goes_on(midway, way):
    """By either way of kubectl: the same specification, the same pods, and the next share is proven."""
    spec, before = midway.service()["spec"], pods(midway)
    assert len(before) > 1
    kinds = {"ServingRuntime", "InferenceService", "ServiceAccount"}
    objects = [each for each in build(OVERLAYS[midway.overlay]) if each["kind"] in kinds]
    moved = [{**each, "metadata": {**each["metadata"], "namespace": midway.namespace}} for each in objects]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": moved})
    midway.kubernetes.kubectl("apply", way, "-f", "-", text=text)
    assert midway.service()["spec"] == spec
    shift(midway, WAYS[way])  # so KServe has looked at what was applied
    assert pods(midway) == before
    assert list(midway.target.observe().drift) == []


def test_rules_for_gitops_name_the_fields_of_a_rollout(midway):
    """docs/gitops.md trusts the manager that wrote, points at all that it owns, and at nothing that git holds."""
    owned = owned_pointers(midway.service(), MANAGER)
    pointers = ignored_pointers(midway.mode)
    assert "/spec/predictor/model/storageUri" in owned
    assert [each["managedFieldsManagers"] for each in application()["spec"]["ignoreDifferences"]] == [[MANAGER]]
    assert {each for each in owned if not any(is_below(each, pointer) for pointer in pointers)} == set()
    overlay = next(each for each in build(OVERLAYS[midway.overlay]) if each["kind"] == "InferenceService")
    fields = owned_pointers({"metadata": {"managedFields": [as_fields(overlay)]}}, "git")
    assert not any(is_below(field, pointer) or is_below(pointer, field) for field in fields for pointer in pointers)


def as_fields(found: dict) -> dict:
    """An object as if everything of its specification was applied by git."""

    def tree(node: object) -> dict:
        return {f"f:{name}": tree(each) for name, each in node.items()} if isinstance(node, dict) else {}

    return {"manager": "git", "operation": "Apply", "fieldsV1": {"f:spec": tree(found["spec"])}}
