"""Who may ask for, approve and end a rollout: each person and account by kubectl, with what admission adds to the roles."""

import json
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import yaml

from tests.manifests.built import OVERLAYS, ROOT, build, namespace_of, of_kind
from tests.manifests.rollouts import ORDER, body, consent
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes
from tests.servers.model_rollouts import define_rollouts

ACTIVE_SECONDS = 30
NAMESPACE = "clinical-ner-staging"
PIPELINE = f"system:serviceaccount:{NAMESPACE}:clinical-ner-pipeline-runner"
MONITOR = f"system:serviceaccount:{NAMESPACE}:clinical-ner-monitor"
GROUPS = {
    "olga": ["operators"],
    "ada": ["approvers"],
    "both": ["operators", "approvers"],
    "admin": ["system:masters"],
    "eve": [],
}


class Cluster(NamedTuple):
    """An API server on which people have the roles of the manifests."""

    server: Kubernetes
    namespace: str = NAMESPACE

    def call(self, user: str, *arguments: str, text: str | None = None) -> str:
        """What kubectl complains of when ``user`` calls it; empty when it is content."""
        groups = [f"--as-group={group}" for group in GROUPS.get(user, [])]
        done = self.server.try_kubectl(*arguments, "-n", self.namespace, f"--as={user}", *groups, text=text)
        return done.stderr if done.returncode else ""

    def ask(self, user: str, **changes) -> tuple[str, str]:
        """The name of a new rollout, and what was said against it."""
        made = body(**{"actor": user, **changes})
        return made["metadata"]["name"], self.call(user, "create", "-f", "-", text=json.dumps(made))

    def change(self, user: str, name: str, change: dict) -> str:
        return self.call(user, "patch", "modelrollout", name, "--type=merge", "-p", json.dumps(change))


def roles(overlay: str = "staging") -> Iterator[dict]:
    """The overlay's own, bound to groups of people."""
    objects = build(OVERLAYS[overlay])
    for kind in ("Namespace", "ServiceAccount", "Role", "RoleBinding"):
        yield from of_kind(objects, kind)
    for group in ("operators", "approvers"):
        yield {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": group, "namespace": namespace_of(objects)},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"clinical-ner-rollout-{group[:-1]}"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        }


def policy() -> Iterator[dict]:
    """As it is delivered, but for this namespace alone: the other tests of this server make rollouts as they like."""
    for each in yaml.safe_load_all((ROOT / "manifests/admission/rollout-people.yaml").read_text()):
        if each["kind"] == "ValidatingAdmissionPolicyBinding":
            selector = {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
            each["spec"]["matchResources"] = {"namespaceSelector": selector}
        yield each


@pytest.fixture(scope="module")
def cluster(started: Callable[[str], Kubernetes]) -> Iterator[Cluster]:
    server = started(KSERVE_VERSIONS[0])
    define_rollouts(server)
    server.apply(*roles(), *policy())
    found = Cluster(server)
    deadline = time.monotonic() + ACTIVE_SECONDS
    while not found.ask("admin", approvals=[consent()])[1]:  # a policy holds some moments after it was made
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.2)
    yield found
    server.kubectl("delete", "modelrollouts", "--all", "-n", NAMESPACE)


@pytest.fixture
def asked(cluster: Cluster) -> str:
    """The name of a rollout that the operator Olga asked for."""
    name, complaint = cluster.ask("olga")
    assert complaint == ""
    return name


def approvals(actor: str, gate: str = "promotion") -> dict:
    return {"spec": {"approvals": [consent(gate, actor)]}}


def test_policy_holds_everywhere():
    """It has no exception: neither namespaces, nor accounts, nor people."""
    delivered = list(yaml.safe_load_all((ROOT / "manifests/admission/rollout-people.yaml").read_text()))
    assert "matchConditions" not in delivered[0]["spec"]
    assert delivered[1]["spec"] == {"policyName": delivered[0]["metadata"]["name"], "validationActions": ["Deny"]}


def test_operator_asks_and_approver_approves(cluster, asked):
    """Each in the own name; the second write of the same changes nothing."""
    assert cluster.change("ada", asked, approvals("ada")) == ""
    assert cluster.change("ada", asked, approvals("ada")) == ""
    assert cluster.change("olga", asked, {"spec": {"abort": {**ORDER, "actor": "olga"}}}) == ""
    spec = cluster.server.get("modelrollout", asked, "-n", NAMESPACE)["spec"]
    assert (spec["approvals"][0]["actor"], spec["abort"]["actor"]) == ("ada", "olga")


@pytest.mark.parametrize("user", ["olga", PIPELINE, "admin", "both"])
def test_rollout_is_never_made_with_its_approval(cluster, user):
    """Whoever makes it, in the own name or in another's."""
    for actor in ("ada", user):
        _, complaint = cluster.ask(user, approvals=[consent(actor=actor)])
        assert "approved after it was asked for" in complaint


def test_approval_takes_the_right_to(cluster, asked):
    """An operator who may patch rollouts writes none, in nobody's name; nor does who has no role at all."""
    for actor in ("olga", "ada"):
        assert "takes the right to approve" in cluster.change("olga", asked, approvals(actor))
    assert "cannot get resource" in cluster.change("eve", asked, approvals("eve"))
    assert "cannot patch resource" in cluster.change(PIPELINE, asked, approvals(PIPELINE))


def test_approval_bears_the_name_of_whoever_gives_it(cluster, asked):
    """The answer says which; an administrator's too."""
    assert "actor must be ada" in cluster.change("ada", asked, approvals("bob"))
    assert "actor must be admin" in cluster.change("admin", asked, approvals("ada"))
    assert cluster.change("admin", asked, approvals("admin")) == ""


def test_nobody_approves_the_own_rollout(cluster):
    """Though both roles were given to one person."""
    name, complaint = cluster.ask("both")
    assert complaint == ""
    assert "whoever asked for a rollout cannot approve it" in cluster.change("both", name, approvals("both"))
    assert cluster.change("ada", name, approvals("ada")) == ""


def test_approver_changes_nothing_else(cluster, asked):
    """Neither the order to end it, nor labels; and makes and removes none."""
    assert "takes the right to abort" in cluster.change("ada", asked, {"spec": {"abort": {**ORDER, "actor": "ada"}}})
    for field, value in (("labels", {"any": "label"}), ("annotations", {"any": "value"}), ("finalizers", ["any.org/stays"])):
        assert "may change nothing else" in cluster.change("ada", asked, {"metadata": {field: value}})
    assert "cannot create" in cluster.ask("ada")[1]
    assert "cannot delete" in cluster.call("ada", "delete", "modelrollout", asked)
    assert cluster.change("olga", asked, {"metadata": {"labels": {"any": "label"}}}) == ""


def test_deleted_rollout_goes(cluster, asked):
    """Whatever way it is deleted: the cluster's own garbage collector, which has no right to abort, takes the finalizer off."""
    collector = "system:serviceaccount:kube-system:generic-garbage-collector"
    freed = {"metadata": {"finalizers": None}}
    cluster.server.kubectl("delete", "mr", asked, "-n", NAMESPACE, "--cascade=foreground", "--wait=false")
    assert cluster.server.get("modelrollout", asked, "-n", NAMESPACE)["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert cluster.change(collector, asked, freed) == ""
    assert cluster.server.try_kubectl("get", "modelrollout", asked, "-n", NAMESPACE).returncode != 0


def test_rollout_and_order_bear_the_name_of_whoever_gives_them(cluster, asked):
    """So that who asked is who may not approve."""
    assert "actor must be olga" in cluster.ask("olga", actor="ada")[1]
    assert "actor must be olga" in cluster.change("olga", asked, {"spec": {"abort": {**ORDER, "actor": "ada"}}})


def test_pipelines_ask_under_one_name(cluster, asked):
    """Or their account's; never a person's. They can neither end nor approve what they asked for."""
    for actor in ("training-pipeline", PIPELINE):
        name, complaint = cluster.ask(PIPELINE, actor=actor)
        assert complaint == ""
    assert f"actor must be {PIPELINE}" in cluster.ask(PIPELINE, actor="ada")[1]
    assert "actor must be olga" in cluster.ask("olga", actor="training-pipeline")[1]
    for user in (PIPELINE, f"system:serviceaccount:{NAMESPACE}:clinical-ner-rollout-controller"):
        assert "cannot patch" in cluster.change(user, name, approvals(user))
        assert "cannot delete" in cluster.call(user, "delete", "modelrollout", name)
    assert cluster.call(PIPELINE, "get", "modelrollout", name) == ""


def test_monitor_asks_for_the_way_back_and_does_no_more(cluster):
    """With the component auto-roll-back, which staging has: in its own name, and it neither ends nor approves one."""
    name, complaint = cluster.ask(MONITOR, purpose="restore", withdraws="v1")
    assert complaint == ""
    assert f"actor must be {MONITOR}" in cluster.ask(MONITOR, actor="ada")[1]
    assert cluster.call(MONITOR, "get", "modelrollouts") == ""
    for change in (approvals(MONITOR), {"spec": {"abort": {**ORDER, "actor": MONITOR}}}):
        assert "cannot patch" in cluster.change(MONITOR, name, change)


def test_controller_writes_where_a_rollout_stands_and_nothing_else(cluster, asked):
    """By the status alone, which people cannot write."""
    found = cluster.server.get("modelrollout", asked, "-n", NAMESPACE)
    text = json.dumps({**found, "status": {"phase": "starting"}})
    path = f"/apis/clinical-ner.io/v1alpha1/namespaces/{NAMESPACE}/modelrollouts/{asked}/status"
    for person in ("olga", "ada"):
        assert "cannot update" in cluster.call(person, "replace", "--raw", path, "-f", "-", text=text)
    controller = f"system:serviceaccount:{NAMESPACE}:clinical-ner-rollout-controller"
    assert cluster.call(controller, "replace", "--raw", path, "-f", "-", text=text) == ""
    assert cluster.server.get("modelrollout", asked, "-n", NAMESPACE)["status"]["phase"] == "starting"
