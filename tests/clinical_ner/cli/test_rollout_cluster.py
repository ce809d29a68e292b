"""``clinical-ner rollout`` on a cluster, as people whose rights are those that the manifests give them."""

import threading
import time
from pathlib import Path

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from clinical_ner.cli.rollout import app
from clinical_ner.errors import ClinicalNerError, ClusterUnreachable, ConfigError, NotFound
from clinical_ner.registry import Registry
from clinical_ner.rollout.status import Phase, Requests
from clinical_ner.rollout.targets import Backend
from tests.clinical_ner.rollout.conftest import records, store  # noqa: F401 (fixtures)
from tests.clinical_ner.rollout.controller.running import Running
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE
from tests.servers.kubernetes import TOKEN

MANIFESTS = Path(__file__).parents[3] / "manifests"
PEOPLE, POLICY = MANIFESTS / "rbac/rollout-people.yaml", MANIFESTS / "admission/rollout-people.yaml"
WHY = ("--reason", "I read the card")


@pytest.fixture
def run(newest, cluster_api, tmp_path, monkeypatch, store):  # noqa: F811
    """Run a command as ``operator`` or ``approver`` of the namespace; errors of the library come through."""
    namespace = cluster_api.namespace
    newest.apply(*yaml.safe_load_all(PEOPLE.read_text()), options=("-n", namespace))
    newest.apply(*policy(namespace))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", str(tmp_path))
    monkeypatch.setenv("CLINICAL_NER_ROLLOUT_TARGET", f"kserve:{namespace}/{SERVICE}")
    configs = {who: login(newest, namespace, who, tmp_path) for who in ("operator", "approver")}

    def invoke(who, *arguments, status=0):
        monkeypatch.setenv("KUBECONFIG", str(configs[who]))
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    return invoke


def policy(namespace):
    """The policy, in force in this namespace alone: other tests share the server."""
    documents = list(yaml.safe_load_all(POLICY.read_text()))
    for each in documents:
        if each["kind"] == "ValidatingAdmissionPolicyBinding":
            each["metadata"]["name"] = f"{each['metadata']['name']}-{namespace}"
            selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
            each["spec"]["matchResources"] = {"namespaceSelector": selector}
    return documents


def login(cluster, namespace, who, folder):
    """The kubeconfig of a person with that role."""
    cluster.kubectl("-n", namespace, "create", "serviceaccount", who)
    role = ("--role", f"clinical-ner-rollout-{who}", "--serviceaccount", f"{namespace}:{who}")
    cluster.kubectl("-n", namespace, "create", "rolebinding", who, *role)
    config = folder / f"kubeconfig-{who}"
    token = cluster.kubectl("-n", namespace, "create", "token", who).strip()
    config.write_text(cluster.kubeconfig.read_text().replace(TOKEN, token))
    return config


def name_of(who, records):  # noqa: F811
    return f"system:serviceaccount:{records._api.namespace}:{who}"


def write_plan(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    return str(path)


def test_start_makes_one_object_in_the_name_of_who_asks(run, records):  # noqa: F811
    """As the cluster knows the person; asked twice, it is one rollout."""
    assert "rollout v2 of clinical-ner v2 was made" in run("operator", "start", "v2", *WHY)
    assert "is there already" in run("operator", "start", "v2", *WHY)
    (stored,) = records.all()
    assert (stored.spec.actor, stored.spec.reason) == (name_of("operator", records), "I read the card")


def test_status_and_explain_read_the_objects(run):
    """As on a laptop."""
    assert "no rollouts" in run("operator", "status")
    run("operator", "start", "v2", *WHY)
    (line,) = run("approver", "status").splitlines()
    assert line.startswith("v2: v2 pending, step 1/4")
    (record,) = orjson.loads(run("operator", "status", "--json"))
    assert record["spec"]["plan"]["ready_seconds"] == 600
    assert "Rollout v2 of clinical-ner v2 has not begun" in run("approver", "explain")


def test_approver_approves_and_cannot_start(run, records, tmp_path):  # noqa: F811
    """The two are rights of different people."""
    run("operator", "start", "v2", *WHY, "--plan", write_plan(tmp_path, "approval: before-start"))
    run("approver", "approve", *WHY)
    run("approver", "approve", "--reason", "again")
    (approval,) = records.read("v2").requests.approvals
    assert (approval.gate, approval.actor, approval.reason) == ("start", name_of("approver", records), "I read the card")
    with pytest.raises(ClusterUnreachable, match=r"403.*cannot create resource .modelrollouts"):
        run("approver", "start", "v3", *WHY)


def wait_for_policy(cluster, namespace):
    """A policy holds some moments after it was made."""
    approval = {"gate": "promotion", "actor": "nobody", "reason": "r", "time": "2026-03-01T00:00:00Z"}
    change = orjson.dumps([{"op": "add", "path": "/spec/approvals", "value": [approval]}]).decode()
    options = ("--type=json", "--dry-run=server", f"--as=system:serviceaccount:{namespace}:operator", "-p", change)
    deadline = time.monotonic() + 60
    while "right to approve" not in cluster.try_kubectl("-n", namespace, "patch", "modelrollout", "v2", *options).stderr:
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.2)


def test_operator_cannot_approve_nor_speak_for_others(run, newest, records, tmp_path):  # noqa: F811
    """What the person may not say is refused by the cluster, with its own words."""
    run("operator", "start", "v2", *WHY, "--plan", write_plan(tmp_path, "approval: before-100"))
    wait_for_policy(newest, records._api.namespace)
    with pytest.raises(ClusterUnreachable, match=r"403.*the right to approve"):
        run("operator", "promote", *WHY)
    with pytest.raises(ClusterUnreachable, match=r"403.*actor must be"):
        run("approver", "promote", *WHY, "--actor", "the chief")
    with pytest.raises(ClusterUnreachable, match=r"403.*the right to abort"):
        run("approver", "abort", *WHY)
    assert records.read("v2").requests == Requests()


def test_abort_is_kept_with_who_ordered_it(run, records):  # noqa: F811
    """The first order stays."""
    run("operator", "start", "v2", *WHY)
    run("operator", "abort", "v2", *WHY, "--withdraw")
    run("operator", "abort", "--reason", "again")
    order = records.read("v2").requests.abort
    assert (order.actor, order.reason, order.withdraw) == (name_of("operator", records), "I read the card", True)
    with pytest.raises(NotFound, match="no ModelRollout v9 of ner"):
        run("operator", "abort", "v9", *WHY)


def test_run_names_the_controller(run):
    """A second one that advances would be of other rights."""
    with pytest.raises(ConfigError, match="clinical-ner rollout controller"):
        run("operator", "run")
    with pytest.raises(ConfigError, match="rollout run"):
        run("operator", "controller", "--target", "local:service")


def test_rollback_waits_for_the_controller_and_says_how_long_it_took(run, store, cluster_api, records):  # noqa: F811
    """The live version gives way to the one before it, carried out by another process."""
    registry = Registry(store)
    registry.promote(MODEL, "v2", actor="a", reason="r")
    running, stop = Running(store, cluster_api), threading.Event()
    served = Backend("v2", registry.get(MODEL, "v2").digest, ready=True)
    running.world._change(lambda service: setattr(service, "stable", served))
    thread = threading.Thread(target=running.controller.run, args=(stop,), kwargs={"interval_seconds": 0.01})
    thread.start()
    try:
        output = run("operator", "rollback", *WHY)
    finally:
        stop.set()
        thread.join()
    assert "brings v1 back in place of v2" in output
    assert "v1-again: v1 succeeded" in output
    assert "s from the order to the end" in output
    assert records.read("v1-again").status.phase is Phase.SUCCEEDED
    assert registry.champion(MODEL).version == "v1"


def test_laptop_is_still_meant_when_it_is_said(run, records):  # noqa: F811
    """The option goes before the environment."""
    run("operator", "start", "v3", *WHY, "--target", "local:service", "--actor", "ada")
    assert records.all() == []
    with pytest.raises(ClinicalNerError):
        run("operator", "explain")
