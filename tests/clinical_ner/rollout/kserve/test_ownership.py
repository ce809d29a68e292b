"""The rollout's fields of an InferenceService, against a real API server."""

import json
from itertools import count

import pytest

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.ownership import read_as_seen, send, taken_over
from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES, token_of
from clinical_ner.rollout.targets import Observation

NAMESPACES = count()
URI, DIGEST = "predictor.model.storageUri", 'predictor.model.env.k:{"name":"A"}.value'


@pytest.fixture
def api(newest):
    """A namespace with an InferenceService of the platform's."""
    namespace = f"ownership-{next(NAMESPACES)}"
    newest.create_namespace(namespace)
    made = KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig))
    model = {"modelFormat": {"name": "clinical-ner"}, "name": ""}
    made.create(INFERENCE_SERVICES, {"metadata": {"name": "ner"}, "spec": {"predictor": {"model": model}}})
    return made


def find(api):
    return api.get(INFERENCE_SERVICES, "ner")


def own(api, uri="s3://b/v1"):
    model = {"storageUri": uri, "env": [{"name": "A", "value": uri}]}
    send(api, find(api), {"predictor": {"name": "v1", "model": model}})


def edit(newest, api, path, value):
    patch = [{"op": "replace", "path": path, "value": value}]
    newest.kubectl("-n", api.namespace, "patch", "inferenceservice", "ner", "--type=json", "-p", json.dumps(patch))


def seen(token):
    return Observation(stable=None, canary=None, percent=0, asked=None, token=token)


def test_all_owned_fields_are_sent_and_those_left_out_are_gone(api):
    """What belongs to others stays."""
    own(api)
    send(api, find(api), {"predictor": {"model": {"storageUri": "s3://b/v2"}}})
    assert find(api)["spec"]["predictor"] == {
        "model": {"modelFormat": {"name": "clinical-ner"}, "name": "", "storageUri": "s3://b/v2"}
    }


def test_change_under_an_old_token_is_refused(api):
    """Nothing is written by whoever saw another state; a status that was written is no other state."""
    old = token_of(find(api))
    own(api)
    with pytest.raises(TargetChanged):
        read_as_seen(api, "ner", seen(old))
    found = find(api)
    api.replace(INFERENCE_SERVICES, {**found, "status": {"url": "http://x"}}, subresource="status")
    assert read_as_seen(api, "ner", seen(token_of(found)))["status"] == {"url": "http://x"}


def test_write_between_reading_and_sending_is_met(api):
    """The other's write stands."""
    found = find(api)
    own(api)
    with pytest.raises(TargetChanged):
        send(api, found, {"predictor": {"name": "v9"}})
    assert find(api)["spec"]["predictor"]["name"] == "v1"


def test_status_written_between_reading_and_sending_is_no_change(api):
    """KServe writes it whenever a pod comes or goes; what was asked for is what was read."""
    found = find(api)
    api.replace(INFERENCE_SERVICES, {**found, "status": {"url": "http://x"}}, subresource="status")
    send(api, found, {"predictor": {"name": "v1", "model": {"storageUri": "s3://b/v1"}}})
    after = find(api)
    assert (after["spec"]["predictor"]["name"], after["status"]) == ("v1", {"url": "http://x"})


def test_service_that_is_gone_is_not_made_anew(api):
    """Server-side apply would create one that is not there, and one of the same name is another."""
    found = find(api)
    api.delete(INFERENCE_SERVICES, "ner")
    with pytest.raises(TargetChanged):
        send(api, found, {"predictor": {"name": "v1"}})
    assert find(api) is None
    with pytest.raises(TargetChanged):
        read_as_seen(api, "ner", seen(token_of(found)))


def test_field_that_the_schema_refuses_is_an_error_of_the_configuration(api):
    """With the API server's own words."""
    with pytest.raises(ConfigError, match="unheard"):
        send(api, find(api), {"predictor": {"unheard": 1}})


def test_fields_that_another_has_changed_are_named(newest, api):
    """With the one who wrote last; before anything was applied nothing is anybody's."""
    assert list(taken_over(find(api), [URI])) == []
    own(api)
    assert list(taken_over(find(api), [URI, DIGEST, "predictor.name"])) == []
    edit(newest, api, "/spec/predictor/model/storageUri", "s3://b/v7")
    edit(newest, api, "/spec/predictor/model/env/0/value", "other")
    assert list(taken_over(find(api), [URI, DIGEST, "predictor.name"])) == [(URI, "kubectl-patch"), (DIGEST, "kubectl-patch")]


def test_field_that_another_says_too_is_still_owned(newest, api):
    """An overlay that repeats a value changes nothing."""
    own(api)
    spec = {"predictor": {"name": "v1"}}
    text = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "spec": spec}
    newest.apply({**text, "metadata": {"name": "ner", "namespace": api.namespace}}, options=["--field-manager=platform"])
    assert list(taken_over(find(api), ["predictor.name"])) == []


@pytest.mark.parametrize("again", [False, True])
def test_split_that_others_wrote_goes(newest, api, again):
    """By hand at another share, which takes it over, or at the same, so that both own it; variables of others stay."""
    canary = {"name": "v2", "minReplicas": 1, "model": {"name": "", "modelFormat": {"name": "clinical-ner"}}}
    stable = {"name": "v1", "minReplicas": 2, "model": {"env": [{"name": "A", "value": "a"}]}}
    send(api, find(api), {"predictor": stable, "canary": [{"trafficPercent": 10, "predictor": canary}]})
    edit(newest, api, "/spec/canary/0/trafficPercent", 0)
    other = {"op": "add", "path": "/spec/predictor/model/env/-", "value": {"name": "B", "value": "b"}}
    newest.kubectl("-n", api.namespace, "patch", "inferenceservice", "ner", "--type=json", "-p", json.dumps([other]))
    if again:
        send(api, find(api), {"predictor": stable, "canary": [{"trafficPercent": 0, "predictor": canary}]})
    send(api, find(api), {"predictor": {**stable, "minReplicas": 1}})
    after = find(api)["spec"]
    assert "canary" not in after
    assert after["predictor"]["minReplicas"] == 1
    assert [each["name"] for each in after["predictor"]["model"]["env"]] == ["A", "B"]
    send(api, find(api), {"predictor": {"model": {}}})
    assert "name" not in find(api)["spec"]["predictor"]
