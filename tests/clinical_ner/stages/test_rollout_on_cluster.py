"""The rollout stage against a real API server with the account that pipeline runs have, and models in a bucket."""

import json
import threading
from itertools import count
from pathlib import Path

import pytest
import yaml

from clinical_ner.clock import utc_now
from clinical_ner.errors import ClusterUnreachable
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.resubmit.going_back import GoingBack
from clinical_ner.rollout import waiting
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.opening import open_records
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.targets import Backend
from clinical_ner.stages.rollout import rollout
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import MODEL, FileWorld
from tests.clinical_ner.rollout.stage import Stage
from tests.servers.model_rollouts import define_rollouts

ACCOUNT = "clinical-ner-pipeline-runner"
ROLE = Path(__file__).parents[3] / "manifests/rbac/pipeline-runner.yaml"
BY = {"actor": "test", "reason": "a test"}
SERVICE = "ner"
NUMBERS = count()


@pytest.fixture
def namespace(newest):
    """One that has the account of pipeline runs, with its rights."""
    define_rollouts(newest)
    name = f"pipeline-rollouts-{next(NUMBERS)}"
    newest.create_namespace(name)
    objects = list(yaml.safe_load_all(ROLE.read_text()))
    for each in objects:
        each["metadata"]["namespace"] = name
        for subject in each.get("subjects", ()):
            subject["namespace"] = name
    newest.apply(*objects)
    return name


@pytest.fixture
def as_account(newest, namespace, tmp_path, monkeypatch):
    """From now on this process is the account, as a pod of a run is."""
    config = json.loads(newest.kubeconfig.read_text())
    token = newest.kubectl("create", "token", ACCOUNT, "-n", namespace).strip()
    config["users"][0]["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    become(monkeypatch, tmp_path / "kubeconfig")


def become(monkeypatch, kubeconfig):
    """Be whom the file names."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))


@pytest.fixture
def registry(s3_uri, other_model):
    """v1 is live and served, v2 approved."""
    storage = open_storage(s3_uri)
    registry = Registry(storage)
    versions = [registry.register(MODEL, other_model(number), **BY) for number in range(2)]
    for version in versions:
        registry.approve(MODEL, version.version, **BY)
    registry.promote(MODEL, "v1", **BY)
    digests = {version.version: version.digest for version in versions}
    FileWorld(storage).create(Backend("v1", digests["v1"], ready=True), digests)
    return registry


@pytest.fixture
def records(newest, namespace):
    """The service's rollouts, as whoever advances them sees them."""
    return ClusterRollouts(KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig)), SERVICE, MODEL)


@pytest.fixture
def stage(registry, s3_uri, namespace, as_account, tmp_path, monkeypatch):
    """The stage on v2; it looks often when it waits."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.1)

    def run(**changed):
        chosen = {"rollout_plan": Stage().set_out().spec.plan.model_dump_json(), "rollout_wait_minutes": 0} | changed
        return rollout(
            version_uri=f"{s3_uri}/models/{MODEL}/v2",
            rollout_target=f"kserve:{namespace}/{SERVICE}",
            model_name=MODEL,
            registry_uri=s3_uri,
            rollout_report_path=tmp_path / "report",
            **chosen,
        )

    return run


def test_rollout_is_made_with_the_rights_of_a_run(stage, records, namespace, tmp_path):
    """Once, in the account's own name, which is all that admission accepts; the report says how to look at it."""
    assert stage() == stage() == ("v2", "pending")
    (stored,) = records.all()
    assert stored.spec.actor == f"system:serviceaccount:{namespace}:{ACCOUNT}"
    assert stored.spec.plan == Stage().set_out().spec.plan
    assert f"kubectl -n {namespace} get modelrollout v2" in (tmp_path / "report").read_text()


def test_step_waits_for_the_controller(stage, records, registry, s3_uri):
    """Whoever advances the object elsewhere; the version is live when the step ends."""
    world = FileWorld(open_storage(s3_uri))
    runner = Runner(records, world, world, registry, MODEL, timer=world.now)
    stopped = threading.Event()

    def advance():
        while not stopped.wait(0.02):
            runner.tick()

    thread = threading.Thread(target=advance, daemon=True)
    thread.start()
    try:
        assert stage(rollout_wait_minutes=5) == ("v2", "succeeded")
    finally:
        stopped.set()
        thread.join()
    assert registry.champion(MODEL).version == "v2"


def test_account_of_a_run_orders_no_way_back(registry, s3_uri, namespace, as_account):
    """That takes the right to list rollouts, which only a monitor has that is to go back by itself; nothing is written."""
    registry.promote(MODEL, "v2", **BY)
    going_back = GoingBack.checked("reviewed-f1", f"kserve:{namespace}/{SERVICE}")
    with pytest.raises(ClusterUnreachable, match="403"):
        going_back.order(open_storage(s3_uri), MODEL, "v2", "worse", actor="monitor", clock=utc_now)


def test_way_back_is_ordered_on_the_cluster(registry, records, s3_uri, namespace, newest, monkeypatch):
    """By an account that may list and create, in its own name, once."""
    registry.promote(MODEL, "v2", **BY)
    become(monkeypatch, newest.kubeconfig)
    going_back = GoingBack.checked("reviewed-f1", f"kserve:{namespace}/{SERVICE}")
    for _ in range(2):
        told = going_back.order(open_storage(s3_uri), MODEL, "v2", "worse", actor="monitor", clock=utc_now)
        assert told == "clinical-ner: rollout v1-again brings v1 back in place of v2"
    (stored,) = records.all()
    assert (stored.spec.actor, stored.spec.purpose, stored.spec.withdraws) == ("admin", "restore", "v2")
    assert open_records(going_back.target, open_storage(s3_uri), MODEL).read("v1-again") == stored
