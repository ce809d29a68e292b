"""Each identity is tried, by impersonation against real RBAC: what it must be able to do, and what it must not."""

import json
import time
from collections.abc import Iterable

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.rights import missing_rights
from tests.manifests.built import OVERLAYS, build, namespace_of, of_kind
from tests.servers.kubernetes import TOKEN, Kubernetes

ACTIVE_SECONDS = 30

RULES = {
    "clinical-ner-server": set(),
    "clinical-ner-monitor": {"get runs.pipelines.kubeflow.org"},
    "clinical-ner-pipeline-runner": {
        "create workflowtaskresults.argoproj.io",
        "patch workflowtaskresults.argoproj.io",
        "get configmaps/kfp-launcher",
        "get secrets/mlpipeline-minio-artifact",
        "create modelrollouts.clinical-ner.io",
        "get modelrollouts.clinical-ner.io",
    },
    "clinical-ner-rollout-controller": {
        *(f"{verb} modelrollouts.clinical-ner.io" for verb in ("get", "list")),
        "update modelrollouts.clinical-ner.io/status",
        "get inferenceservices.serving.kserve.io/clinical-ner",
        "patch inferenceservices.serving.kserve.io/clinical-ner",
        "list pods",
        "create events.events.k8s.io",
        "create leases.coordination.k8s.io",
        *(f"{verb} leases.coordination.k8s.io/clinical-ner-rollout-controller" for verb in ("get", "update")),
    },
}
"""Every right of each account on the objects of its namespace, in every overlay."""

STANDARD = {"get httproutes.gateway.networking.k8s.io", "get deployments.apps"}
KNATIVE = {"get revisions.serving.knative.dev", "get routes.serving.knative.dev"}
SUBMITS = {
    *(f"{verb} runs.pipelines.kubeflow.org" for verb in ("create", "get", "list")),
    *(f"{verb} experiments.pipelines.kubeflow.org" for verb in ("create", "delete", "get", "list")),
    *(
        f"{verb} {each}.pipelines.kubeflow.org"
        for verb in ("create", "get", "list")
        for each in ("pipelines", "pipelineversions")
    ),
}
MORE = {
    ("dev", "clinical-ner-rollout-controller"): KNATIVE,
    ("dev", "clinical-ner-monitor"): SUBMITS,
    ("dev", "clinical-ner-pipeline-runner"): SUBMITS,
    ("staging", "clinical-ner-monitor"): {f"{verb} modelrollouts.clinical-ner.io" for verb in ("create", "get", "list")},
    ("staging", "clinical-ner-rollout-controller"): STANDARD,
    ("production", "clinical-ner-rollout-controller"): STANDARD,
}
"""What an overlay's components add."""

FORBIDDEN = (
    "get secrets/clinical-ner-serving-s3",
    "list secrets",
    "list configmaps",
    "create pods",
    "create pods/exec",
    "get pods/log",
    "create deployments.apps",
    "create inferenceservices.serving.kserve.io",
    "delete inferenceservices.serving.kserve.io/clinical-ner",
    "patch inferenceservices.serving.kserve.io/another",
    "patch servingruntimes.serving.kserve.io/clinical-ner",
    "approve modelrollouts.clinical-ner.io",
    "abort modelrollouts.clinical-ner.io",
    "patch modelrollouts.clinical-ner.io",
    "delete modelrollouts.clinical-ner.io",
    "create rolebindings.rbac.authorization.k8s.io",
    "escalate roles.rbac.authorization.k8s.io",
    "create serviceaccounts/token",
    "impersonate serviceaccounts",
    "delete networkpolicies.networking.k8s.io",
    "patch namespaces",
)


@pytest.fixture(params=OVERLAYS)
def installed(request: pytest.FixtureRequest, newest: Kubernetes) -> tuple[str, str]:
    """An overlay whose accounts and roles are there, and its namespace."""
    objects = build(OVERLAYS[request.param])
    kinds = ("Namespace", "ServiceAccount", "Role", "RoleBinding")
    newest.apply(*(each for kind in kinds for each in of_kind(objects, kind)))
    return request.param, namespace_of(objects)


def allowed(cluster: Kubernetes, rights: Iterable[str], namespace: str, user: str, *groups: str) -> set[str]:
    """Those of ``rights`` that the API allows; a right is a verb and ``resource.group/name`` or ``resource/subresource``."""
    asked = sorted(rights)
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": list(groups), "resourceAttributes": {"namespace": namespace, **parts(right)}},
        }
        for right in asked
    ]
    if not asked:
        return set()
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews})
    answers = cluster.kubectl("create", "--validate=false", "-f", "-", "-o", 'jsonpath={.status.allowed}{"\\n"}', text=text)
    return {right for right, answer in zip(asked, answers.split(), strict=True) if answer == "true"}


def parts(right: str) -> dict[str, str]:
    """A right as the API takes it."""
    verb, _, target = right.partition(" ")
    kind, _, rest = target.partition("/")
    resource, _, group = kind.partition(".")
    what = {"subresource": rest} if rest in {"status", "exec", "log", "token"} else {"name": rest}
    return {"verb": verb, "resource": resource, "group": group, **what}


def account_groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


def rights(cluster: Kubernetes, namespace: str, account: str) -> set[str]:
    """Every right on objects of the namespace, as the API itself lists them."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    who = [f"--as=system:serviceaccount:{namespace}:{account}", *(f"--as-group={each}" for each in account_groups(namespace))]
    reply = json.loads(cluster.kubectl("create", "--validate=false", "-f", "-", "-o", "json", *who, text=json.dumps(review)))
    return {
        f"{verb} {name_of(resource, group)}{f'/{name}' if name else ''}"
        for rule in reply["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def name_of(resource: str, group: str) -> str:
    kind, _, part = resource.partition("/")
    return f"{kind}{f'.{group}' if group else ''}{f'/{part}' if part else ''}"


def everybody(cluster: Kubernetes, namespace: str) -> set[str]:
    """What Kubernetes gives to any account: to ask who it is and what it may."""
    return rights(cluster, namespace, "nobody")


@pytest.mark.parametrize("account", RULES)
def test_account_has_its_rights_and_no_others(newest, installed, account):
    """The API's own list of an account's rights is the one that is written here."""
    overlay, namespace = installed
    expected = RULES[account] | MORE.get((overlay, account), set())
    assert rights(newest, namespace, account) - everybody(newest, namespace) == expected


def test_all_accounts_are_known(installed):
    """No account comes without its rights being written here; none of them is bound to a ClusterRole or to the cluster."""
    objects = build(OVERLAYS[installed[0]])
    assert {each["metadata"]["name"] for each in of_kind(objects, "ServiceAccount")} == RULES.keys()
    assert not of_kind(objects, "ClusterRole") + of_kind(objects, "ClusterRoleBinding")
    assert {each["roleRef"]["kind"] for each in of_kind(objects, "RoleBinding")} == {"Role"}


@pytest.mark.parametrize("account", RULES)
def test_account_is_refused_what_would_harm(newest, account):
    """No account reads other secrets, runs pods, approves, grants rights, or reaches into another namespace."""
    objects = build(OVERLAYS["production"])
    newest.apply(*(each for kind in ("Namespace", "ServiceAccount", "Role", "RoleBinding") for each in of_kind(objects, kind)))
    namespace = namespace_of(objects)
    who = (f"system:serviceaccount:{namespace}:{account}", *account_groups(namespace))
    assert allowed(newest, FORBIDDEN, namespace, *who) == set()
    assert allowed(newest, RULES[account], "default", *who) == set()
    assert allowed(newest, RULES[account], namespace, *who) == RULES[account]


def test_only_an_approver_approves(newest, installed):
    """A person with the operator's role starts and aborts, one with the approver's approves; neither touches the service."""
    _, namespace = installed
    for role in ("operator", "approver"):
        name = f"clinical-ner-rollout-{role}"
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{role}s", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"{role}s"}],
        }
        newest.apply(binding)

    rollouts = [f"{verb} modelrollouts.clinical-ner.io" for verb in ("abort", "approve", "create", "patch", "get", "delete")]
    others = [
        "patch modelrollouts.clinical-ner.io/status",
        "patch inferenceservices.serving.kserve.io/clinical-ner",
        "list secrets",
    ]
    may = {group: allowed(newest, [*rollouts, *others], namespace, "person", group) for group in ("operators", "approvers")}
    assert may["operators"] == {f"{verb} modelrollouts.clinical-ner.io" for verb in ("abort", "create", "patch", "get")}
    assert may["approvers"] == {f"{verb} modelrollouts.clinical-ner.io" for verb in ("approve", "patch", "get")}


def test_rollout_controller_works_on_the_service_with_real_requests(newest):
    """It reads and patches this service and tells an event; it can neither make, delete nor list services, nor read secrets."""
    objects = build(OVERLAYS["production"])
    namespace = namespace_of(objects)
    newest.apply(*(each for each in objects if each["kind"] not in {"PipelineVersion", "Pipeline"}))
    who = [f"--as=system:serviceaccount:{namespace}:clinical-ner-rollout-controller", "-n", namespace]
    service = ["inferenceservice", "clinical-ner"]
    newest.kubectl("get", *service, *who)
    change = json.dumps({"spec": {"predictor": {"model": {"storageUri": "s3://clinical-ner/registry/models/clinical-ner/v1"}}}})
    newest.kubectl("patch", *service, "--type=merge", "-p", change, *who)
    newest.kubectl("get", "pods", *who)
    for refused in (["delete", *service], ["get", "inferenceservices"], ["get", "secrets"], ["get", "configmaps"]):
        done = newest.try_kubectl(*refused, *who)
        assert done.returncode != 0, refused
        assert "forbidden" in done.stderr.lower()
    newest.kubectl("delete", *service, "-n", namespace)


def test_server_has_no_token(installed):
    """A pod of the server, and of a monitor that only proposes, gets no credentials that Kubernetes itself would take."""
    accounts = {each["metadata"]["name"]: each for each in of_kind(build(OVERLAYS[installed[0]]), "ServiceAccount")}
    for name in ("clinical-ner-server", "clinical-ner-monitor"):
        assert accounts[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_controller_has_what_the_library_says_it_needs(newest, overlay, tmp_path):
    """By the check that `clinical-ner rollout doctor` makes, with the token of the account."""
    objects = build(OVERLAYS[overlay])
    newest.apply(*(each for kind in ("Namespace", "ServiceAccount", "Role", "RoleBinding") for each in of_kind(objects, kind)))
    namespace = namespace_of(objects)
    token = newest.kubectl("create", "token", "clinical-ner-rollout-controller", "-n", namespace).strip()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(newest.kubeconfig.read_text().replace(TOKEN, token))
    api = KubernetesApi.connect(namespace, kubeconfig=str(kubeconfig))
    mode = "Knative" if MORE[overlay, "clinical-ner-rollout-controller"] == KNATIVE else "Standard"
    deadline = time.monotonic() + ACTIVE_SECONDS
    while missing := missing_rights(
        api, "controller", mode, "clinical-ner"
    ):  # the authorizer hears of new Roles a moment later
        assert time.monotonic() < deadline, missing
        time.sleep(0.2)
