"""The right to patch the service is no right to run anything: of the rollout controller only a rollout is accepted."""

import json
import time
from collections.abc import Callable

import pytest

from tests.manifests.built import OVERLAYS, ROOT, build, namespace_of
from tests.manifests.test_ownership import standard
from tests.servers.kubernetes import Kubernetes

ACTIVE_SECONDS = 30
KINDS = {"Namespace", "ServiceAccount", "Role", "RoleBinding", "InferenceService"}
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


@pytest.fixture
def patch(newest: Kubernetes) -> Callable[[dict], str]:
    """Sends a merge patch of the specification as the rollout controller and gives what it was told; nothing is kept of it."""
    objects = build(OVERLAYS["production"])
    namespace = namespace_of(objects)
    newest.apply(*(each for each in objects if each["kind"] in KINDS))
    policy = str(ROOT / "manifests/admission/rollout-controller.yaml")
    newest.kubectl("apply", "--server-side", "--validate=strict", "-f", policy)
    who = f"--as=system:serviceaccount:{namespace}:clinical-ner-rollout-controller"

    def send(change: dict) -> str:
        options = ["-n", namespace, "--type=merge", "--dry-run=server", "-p", json.dumps({"spec": change}), who]
        return newest.try_kubectl("patch", "inferenceservice", "clinical-ner", *options).stderr

    deadline = time.monotonic() + ACTIVE_SECONDS
    while "a rollout may not" not in send(REFUSED["account"]):  # a policy holds some moments after it was made
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.2)
    return send


@pytest.mark.parametrize("name", REFUSED)
def test_rollout_controller_may_change_nothing_but_a_rollout(patch, name):
    """Image, command, account, Secrets, other variables: each is refused, in the stable and in a canary."""
    assert "ValidatingAdmissionPolicy 'clinical-ner-rollout-controller'" in patch(REFUSED[name])


def test_rollout_controller_may_roll_out(newest, patch):
    """What a rollout writes is accepted: both versions with URI, digest, name, numbers and split."""
    assert patch(standard(namespace_of(build(OVERLAYS["production"])))["spec"]) == ""


def test_platform_team_is_not_bound_by_it(newest, patch):
    """Others change the service as their rights let them."""
    namespace = namespace_of(build(OVERLAYS["production"]))
    options = ["-n", namespace, "--type=merge", "--dry-run=server", "-p", json.dumps({"spec": REFUSED["account"]})]
    newest.kubectl("patch", "inferenceservice", "clinical-ner", *options)
