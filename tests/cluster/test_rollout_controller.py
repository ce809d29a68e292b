"""The rollout controller as a pod under its own account: real servers, real traffic, and its pod deleted again and again."""

import sys

import orjson
import pytest

from clinical_ner.clock import utc_now
from clinical_ner.model_package import LEXICON, MANIFEST, PAYLOAD, build_package, parse_manifest
from clinical_ner.registry import Registry
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.plan import RolloutPlan, RolloutStep
from clinical_ner.rollout.specs import make_release
from clinical_ner.rollout.status import ENDS, Abort, Phase
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause
from tests.cluster.controller import Disturbed, deployment
from tests.cluster.gateway import Router
from tests.cluster.kserve_on_nodes import SERVICE, KServeOnNodes
from tests.cluster.load import load
from tests.doubles.kserve.harness import standard_predictor
from tests.doubles.kserve.objects import INFERENCE_SERVICES
from tests.manifests.built import ROOT, of_kind
from tests.servers.kserve_definitions import find_definitions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BY = {"actor": "test", "reason": "test"}
KINDS = {"InferenceService", "ServingRuntime", "HTTPRoute"}
# Two cores run everything: how fast a server answers says nothing here.
RULES = AnalysisRules(
    slower=10, tolerated_slow_median=0.5, allowed_slow_median=0.9, tolerated_slow_tail=0.5, allowed_slow_tail=0.9
)
STEPS = tuple(RolloutStep(percent=percent, hold_seconds=3, min_requests=50) for percent in (50, 100))
PLAN = RolloutPlan(steps=STEPS, rules=RULES)
ASKS = RolloutPlan(steps=STEPS, rules=RULES, approval="before-100")
CALLERS = 4
FEWEST_CALLS = 100


def variant(files: dict[str, bytes], number: int) -> dict[str, bytes]:
    """The same model with another digest: one word more in its lexicon, which no note has."""
    old = parse_manifest(files[MANIFEST])
    payload = {path: files[path] for path in PAYLOAD if path in files}
    payload[LEXICON] = orjson.dumps([*orjson.loads(payload[LEXICON]), f"zz{number}"])
    fields = old.model_dump(include={"name", "labels", "datasets", "library_versions", "parameters"})
    return build_package(payload, **fields)


@pytest.fixture(scope="module")
def registry(registry_uri: str, model_files: dict[str, bytes]) -> Registry:
    """v1 is live, v2 and v3 are approved; all three answer alike."""
    registry = Registry(open_storage(registry_uri))
    for files in (model_files, variant(model_files, 1), variant(model_files, 2)):
        registry.approve("clinical-ner", registry.register("clinical-ner", files, **BY).version, **BY)
    registry.promote("clinical-ner", "v1", **BY)
    return registry


@pytest.fixture(scope="module")
def kserve(installation, registry: Registry):
    """KServe's definitions and ModelRollout's, the InferenceService at v1, and the controller's pod."""
    wanted = [each for each in find_definitions("kserve") if each["spec"]["names"]["kind"] in KINDS]
    text = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}).decode()
    installation.kube.kubectl("apply", "--server-side", "--force-conflicts", "--validate=false", "-f", "-", text=text)
    installation.kube.kubectl("apply", "--server-side", "-f", str(ROOT / "manifests/rollout/crd.yaml"))
    installation.kube.kubectl("wait", "--for=condition=Established", "crd", "--all")
    installation.send(*of_kind(installation.objects, "ServingRuntime"), *of_kind(installation.objects, "InferenceService"))
    with KServeOnNodes(installation) as kserve:
        live = registry.get("clinical-ner", "live")
        spec = {"predictor": standard_predictor(ModelReference(live.version, live.digest, live.uri), 1)}
        kserve.api.apply(INFERENCE_SERVICES, {"metadata": {"name": SERVICE}, "spec": spec})
        installation.wait(kserve.ready, "the stable version")
        yield kserve


@pytest.fixture(scope="module")
def disturbed(installation, kserve: KServeOnNodes) -> Disturbed:
    return Disturbed(installation, ClusterRollouts(kserve.api, SERVICE, "clinical-ner"))


def start(disturbed: Disturbed, registry_uri: str, version: str, plan: RolloutPlan) -> None:
    """Ask for the rollout of a version."""
    storage = open_storage(registry_uri)
    disturbed.rollouts.create(make_release(storage, "clinical-ner", version, plan, (), Cause("test", utc_now(), "test")))


def test_controller_survives_being_deleted_in_every_phase(
    installation, kserve: KServeOnNodes, registry: Registry, registry_uri: str, disturbed: Disturbed, capsys
) -> None:
    """One version is promoted, the next aborted when it waits for approval; both end right, and no call fails."""
    start(disturbed, registry_uri, "v2", PLAN)
    installation.send(deployment(installation))
    installation.wait(disturbed.pods, "the controller's pod")
    with Router(kserve.api, SERVICE) as router, load(router.ways(CALLERS)) as calls:
        promoted = disturbed.follow("v2", set())
        start(disturbed, registry_uri, "v3", ASKS)
        disturbed.follow("v3", {Phase.WAITING_APPROVAL})
        disturbed.rollouts.abort("v3", Abort(actor="test", time=utc_now(), reason="test"))
        aborted = disturbed.follow("v3", set())
    with capsys.disabled():
        told = f"deleted in {[str(phase) for phase in disturbed.deleted]}; answered {dict(calls.versions)}"
        sys.stdout.write(f"\n{told}, failed: {len(calls.failures)}; races: {len(kserve.errors)}\n")
    assert (promoted.status.phase, aborted.status.phase) == (Phase.SUCCEEDED, Phase.ROLLED_BACK)
    assert {*disturbed.deleted} == {*Phase} - ENDS
    assert calls.failures == []
    assert min(calls.versions[version] for version in ("v1", "v2")) > FEWEST_CALLS
    assert registry.get("clinical-ner", "live").version == "v2"
    assert [name for name, weight in router.weights.items() if weight] == ["clinical-ner-v2-predictor"]
