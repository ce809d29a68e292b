"""Where the namespace asks for approvals, as production's does, no single account or person brings a version live."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from clinical_ner.rollout.plan import parse_plan
from clinical_ner.stages.resubmit import limits_of, with_parameters
from pipelines.definitions import TRAINING
from tests.manifests.built import OVERLAYS, ROOT, build, namespace_of, of_kind
from tests.manifests.test_approvals import ACTIVE_SECONDS, Cluster, roles
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes
from tests.servers.model_rollouts import define_rollouts

NAMESPACE = namespace_of(build(OVERLAYS["production"]))
PIPELINE = f"system:serviceaccount:{NAMESPACE}:clinical-ner-pipeline-runner"
MONITOR = f"system:serviceaccount:{NAMESPACE}:clinical-ner-monitor"
WITHOUT = {"steps": [{"percent": 100}]}
RESTORE = {"purpose": "restore", "withdraws": "v1"}


@pytest.fixture(scope="module")
def cluster(started: Callable[[str], Kubernetes]) -> Iterator[Cluster]:
    """Production's namespace and roles, and with them staging's right of a monitor to go back by itself."""
    server = started(KSERVE_VERSIONS[0])
    define_rollouts(server)
    way_back = [each for each in build(OVERLAYS["staging"]) if each["metadata"]["name"] == "clinical-ner-way-back"]
    moved = [{**each, "metadata": {**each["metadata"], "namespace": NAMESPACE}} for each in way_back]
    for each in of_kind(tuple(moved), "RoleBinding"):
        each["subjects"] = [{**subject, "namespace": NAMESPACE} for subject in each["subjects"]]
    server.apply(*roles("production"), *moved)
    policy = str(ROOT / "manifests/admission/rollout-approval.yaml")
    server.kubectl("apply", "--server-side", "--validate=strict", "-f", policy)
    found = Cluster(server, NAMESPACE)
    deadline = time.monotonic() + ACTIVE_SECONDS
    while not found.ask("admin", plan=WITHOUT)[1]:  # a policy holds some moments after it was made
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.2)
    yield found
    server.kubectl("delete", "modelrollouts", "--all", "-n", NAMESPACE)
    server.kubectl("delete", "-f", policy)


@pytest.mark.parametrize("user", ["olga", PIPELINE, "admin"])
def test_rollout_asks_for_an_approval(cluster, user):
    """Whoever asks for it, and also when the plan is left to its defaults."""
    for plan in (WITHOUT, {}, {"approval": "none"}):
        assert "a person approves what goes live" in cluster.ask(user, plan=plan)[1]
    for approval in ("before-100", "before-start"):
        assert cluster.ask(user, plan={"approval": approval})[1] == ""


def test_rollout_serves_at_most_half_before_its_approval(cluster):
    """A step of 99 % is no way around the approval of 100 %."""
    steps = [{"percent": 50}, {"percent": 99}, {"percent": 100}]
    assert "more than half" in cluster.ask("olga", plan={"approval": "before-100", "steps": steps})[1]
    assert cluster.ask("olga", plan={"approval": "before-start", "steps": steps})[1] == ""
    assert cluster.ask("olga", plan={"approval": "before-100", "steps": [{"percent": 50}, {"percent": 100}]})[1] == ""


def test_way_back_needs_no_approval(cluster):
    """An operator goes back at once, and so does a monitor that was given the right to; the pipelines' account cannot."""
    assert cluster.ask("olga", plan=WITHOUT, **RESTORE)[1] == ""
    assert cluster.ask(MONITOR, plan=WITHOUT, **RESTORE)[1] == ""
    assert "the way back takes the right to abort" in cluster.ask(PIPELINE, plan=WITHOUT, **RESTORE)[1]


def test_other_namespaces_choose_for_themselves(cluster):
    """Staging rolls out without anybody."""
    cluster.server.apply(*roles())
    staging = Cluster(cluster.server)
    assert staging.ask("olga", plan=WITHOUT)[1] == ""
    cluster.server.kubectl("delete", "modelrollouts", "--all", "-n", staging.namespace)


def test_trainings_of_productions_monitor_ask_for_an_approval():
    """Or admission would refuse the rollout of each."""
    (monitor,) = (each for each in of_kind(build(OVERLAYS["production"]), "CronJob") if "monitor" in each["metadata"]["name"])
    (container,) = monitor["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    options = dict(each.removeprefix("--").split("=", 1) for each in container["args"] if "=" in each)
    target = options["rollout-target"].replace("$(NAMESPACE)", NAMESPACE)
    limits = with_parameters(limits_of(), options["training-parameters"], TRAINING.compiled, target)
    assert json.loads(options["training-parameters"]).keys() == {"rollout_plan"}
    assert parse_plan(str(limits.parameters["rollout_plan"]).encode(), source="rollout_plan").approval == "before-100"
