"""The right to patch the service is no right to run anything: of the rollout controller only a rollout is accepted."""

import json
import time
from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.manifests.built import OVERLAYS, ROOT, build, namespace_of
from tests.manifests.test_ownership import standard
from tests.servers.kserve_definitions import KSERVE_VERSIONS
from tests.servers.kubernetes import Kubernetes

ACTIVE_SECONDS = 30
KINDS = {"Namespace", "ConfigMap", "ServiceAccount", "Role", "RoleBinding", "InferenceService"}
NAMESPACE = namespace_of(build(OVERLAYS["production"]))
SERVICE = ("inferenceservice", "clinical-ner", "-n", NAMESPACE)
REFUSED = {
    "image": {"predictor": {"model": {"image": "any/other:1"}}},
    "command": {"predictor": {"model": {"command": ["sh"]}}},
    "account": {"predictor": {"serviceAccountName": "clinical-ner-pipeline-runner"}},
    "volume": {"predictor": {"volumes": [{"name": "any", "secret": {"secretName": "clinical-ner-pipelines-s3"}}]}},
    "container": {"predictor": {"containers": [{"name": "any", "image": "any/other:1"}]}},
    "variable": {"predictor": {"model": {"env": [{"name": "CLINICAL_NER_INFERENCE_LOG_URI", "value": "s3://elsewhere/log"}]}}},
    "secret": {
        "predictor": {
            "model": {
                "env": [
                    {"name": "CLINICAL_NER_MODEL_DIGEST", "valueFrom": {"secretKeyRef": {"name": "any", "key": "any"}}},
                ]
            }
        }
    },
    "runtime": {"predictor": {"model": {"runtime": "another"}}},
    "token": {"predictor": {"automountServiceAccountToken": True}},
    "placement": {"predictor": {"nodeSelector": {"any": "node"}}},
    "annotations of pods": {"predictor": {"annotations": {"any": "value"}}},
    "platform's field": {"predictor": {"terminationGracePeriodSeconds": 1}},
    "platform's field removed": {"predictor": {"securityContext": None}},
    "transformer": {"transformer": {"containers": [{"name": "any", "image": "any/other:1"}]}},
    "canary": {
        "canary": [
            {
                "trafficPercent": 1,
                "predictor": {
                    "name": "v3",
                    "model": {"name": "", "modelFormat": {"name": "clinical-ner"}, "image": "any/other:1"},
                },
            }
        ]
    },
}
METADATA = {
    "annotation": {"annotations": {"internal.serving.kserve.io/logger-sink-url": "https://elsewhere"}},
    "annotation changed": {"annotations": {"serving.kserve.io/deploymentMode": "Knative"}},
    "annotation removed": {"annotations": {"serving.kserve.io/autoscalerClass": None}},
    "label": {"labels": {"any": "label"}},
    "finalizer": {"finalizers": ["any.org/stays"]},
    "owner": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "any", "uid": "any"}]},
}
URIS = [
    "https://elsewhere/model.tar",
    "s3://elsewhere/registry/models/clinical-ner/v9",
    "s3://clinical-ner/registry/models-of-others/v9",
    "s3://clinical-ner/registry/inference-log/v9",
    "pvc://any-claim/models/clinical-ner/v9",
]


@pytest.fixture(scope="module")
def server(started: Callable[[str], Kubernetes]) -> Kubernetes:
    """With production's service and identities, and the policies as they are delivered."""
    cluster = started(KSERVE_VERSIONS[0])
    cluster.apply(*(each for each in build(OVERLAYS["production"]) if each["kind"] in KINDS))
    for name in ("rollout-controller", "rollout-models"):
        policy = str(ROOT / f"manifests/admission/{name}.yaml")
        cluster.kubectl("apply", "--server-side", "--validate=strict", "-f", policy)
    deadline = time.monotonic() + ACTIVE_SECONDS
    while not all(complain(cluster, {"spec": change}) for change in (REFUSED["account"], fetching(URIS[0]))):
        assert time.monotonic() < deadline, "the policies do not come into force"  # they hold some moments after they were made
        time.sleep(0.2)
    return cluster


def complain(cluster: Kubernetes, change: dict) -> str:
    """What the rollout controller is told of a merge patch; nothing is kept of it."""
    who = f"--as=system:serviceaccount:{NAMESPACE}:clinical-ner-rollout-controller"
    return cluster.try_kubectl("patch", *SERVICE, "--type=merge", "--dry-run=server", "-p", json.dumps(change), who).stderr


def fetching(uri: str) -> dict:
    return {"predictor": {"model": {"storageUri": uri}}}


def rollout(**fields) -> dict:
    """What a rollout writes, with more fields of both predictors."""
    spec = deepcopy(standard(NAMESPACE)["spec"])
    for predictor in (spec["predictor"], spec["canary"][0]["predictor"]):
        predictor.update(fields)
    return {"spec": spec}


@pytest.mark.parametrize("name", REFUSED)
def test_rollout_controller_may_change_nothing_but_a_rollout(server, name):
    """Image, command, account, Secrets, other variables: each is refused, in the stable and in a canary."""
    assert "ValidatingAdmissionPolicy 'clinical-ner-rollout-controller'" in complain(server, {"spec": REFUSED[name]})


@pytest.mark.parametrize("name", METADATA)
def test_rollout_controller_may_not_touch_metadata(server, name):
    """An annotation of KServe's would have it send every note elsewhere; an owner would have the service deleted."""
    assert "ValidatingAdmissionPolicy 'clinical-ner-rollout-controller'" in complain(server, {"metadata": METADATA[name]})


@pytest.mark.parametrize("uri", URIS)
def test_rollout_controller_brings_models_of_the_registry(server, uri):
    """From nowhere else, in the stable or in a canary, whatever the digest."""
    changed = rollout()
    changed["spec"]["canary"][0]["predictor"]["model"]["storageUri"] = uri
    for change in ({"spec": fetching(uri)}, changed):
        told = complain(server, change)
        assert "'clinical-ner-rollout-models'" in told
        assert "below s3://clinical-ner/registry/models/" in told


def test_rollout_controller_may_roll_out(server):
    """What a rollout writes is accepted: both versions with URI, digest, name, numbers and split."""
    assert complain(server, rollout()) == ""


def test_canary_gets_no_token(server):
    """No more than the stable does."""
    changed = rollout()
    changed["spec"]["canary"][0]["predictor"]["automountServiceAccountToken"] = True
    assert "may not give the server's pods a token" in complain(server, changed)


def test_fields_that_kserve_adds_to_a_rollout_are_accepted(server):
    """Its webhook writes into the same request, before it is judged: a token that is not mounted, resources, annotations."""
    filled = rollout(automountServiceAccountToken=False, resources={})
    usual = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}
    filled["spec"]["predictor"]["model"] |= {"name": "kserve-container", "resources": usual}
    assert complain(server, filled | {"metadata": {"annotations": {"modelFormat": "clinical-ner"}}}) == ""
    mode = {"serving.kserve.io/deploymentMode": "Standard"}
    server.kubectl("annotate", *SERVICE, "serving.kserve.io/deploymentMode-")
    assert complain(server, filled | {"metadata": {"annotations": mode}}) == ""
    server.kubectl("annotate", *SERVICE, "serving.kserve.io/deploymentMode=Standard")


def test_rollout_leaves_what_the_platform_says_of_the_pods(server):
    """A field more of the stable predictor stays in a rollout, and may go along to the canary; no other value."""
    own = {"disk": "ssd"}
    server.kubectl("patch", *SERVICE, "--type=merge", "-p", json.dumps({"spec": {"predictor": {"nodeSelector": own}}}))
    assert complain(server, rollout()) == ""
    assert complain(server, rollout(nodeSelector=own)) == ""
    assert "change what the platform says" in complain(server, rollout(nodeSelector={"disk": "other"}))
    assert "remove what the platform says" in complain(server, rollout(nodeSelector=None))
    server.kubectl("patch", *SERVICE, "--type=merge", "-p", json.dumps({"spec": {"predictor": {"nodeSelector": None}}}))


def test_model_that_is_served_may_stay(server):
    """A registry that moved does not stop a rollout: the stable keeps its URI, and no canary gets another of the old place."""
    old = "s3://before/models/clinical-ner/v1"
    server.kubectl("patch", *SERVICE, "--type=merge", "-p", json.dumps({"spec": fetching(old)}))
    changed = rollout()
    changed["spec"]["predictor"]["model"]["storageUri"] = old
    assert complain(server, changed) == ""
    changed["spec"]["canary"][0]["predictor"]["model"]["storageUri"] = "s3://before/models/clinical-ner/v2"
    assert "'clinical-ner-rollout-models'" in complain(server, changed)
    server.kubectl("patch", *SERVICE, "--type=merge", "-p", json.dumps({"spec": fetching(None)}))


def test_platform_team_is_not_bound_by_it(server):
    """Others change the service as their rights let them."""
    for change in (REFUSED["account"], fetching(URIS[0])):
        server.kubectl("patch", *SERVICE, "--type=merge", "--dry-run=server", "-p", json.dumps({"spec": change}))
