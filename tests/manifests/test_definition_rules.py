"""What the API server itself says of a ModelRollout: what no rollout is, what never changes, and how rollouts are listed."""

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.status import Phase
from tests.clinical_ner.rollout.stage import Stage
from tests.manifests.rollouts import NAMES, ORDER, SERVICE, body, consent
from tests.servers.kserve_definitions import KSERVE_VERSIONS

REFUSED = {
    "version": ({"version": "3"}, "spec.version"),
    "version that cannot be a name": ({"version": "v3.1"}, "spec.version"),
    "digest": ({"digest": "sha256:abc"}, "spec.digest"),
    "folder without scheme": ({"uri": "/models/v3"}, "spec.uri"),
    "service": ({"service": "Clinical_NER"}, "spec.service"),
    "model": ({"model": "a" * 64}, "spec.model"),
    "blank actor": ({"actor": " "}, "spec.actor"),
    "blank reason": ({"reason": "\n"}, "spec.reason"),
    "no actor": ({"actor": None}, "spec.actor"),
    "no digest": ({"digest": None}, "spec.digest"),
    "purpose": ({"purpose": "undo"}, "spec.purpose"),
    "withdrawn by a release": ({"withdraws": "v1"}, "only a rollout of purpose restore"),
    "withdraws itself": ({"purpose": "restore", "withdraws": "v2"}, "cannot withdraw the version that it brings"),
    "another gate": ({"approvals": [consent("start")]}, "gate is what the plan asks"),
    "gate of no plan": ({"plan": {}, "approvals": [consent()]}, "gate is what the plan asks"),
    "a gate twice": ({"approvals": [consent(), consent(actor="eve")]}, "Duplicate value"),
    "unknown gate": ({"approvals": [consent("end")]}, "approvals\\[0\\].gate"),
    "approval by nobody": ({"approvals": [consent(actor="")]}, "approvals\\[0\\].actor"),
    "expectation without champion": ({"expectation": {"entities": {}}}, "expectation.champion"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_rollout_says_is_refused(api, name):
    """With the field, or a sentence, in the API server's answer."""
    changes, told = REFUSED[name]
    with pytest.raises(ConfigError, match=told):
        api.create(MODEL_ROLLOUTS, body(**changes))


@pytest.mark.parametrize("name", ["v3.1", "3v", "v" * 64])
def test_name_must_be_a_label(api, name):
    """Of DNS, a letter first: what is made of it elsewhere takes no other."""
    with pytest.raises(ConfigError, match=r"metadata.name"):
        api.create(MODEL_ROLLOUTS, {**body(), "metadata": {"name": name}})


CHANGED = {
    "service": "another",
    "model": "another",
    "version": "v9",
    "digest": "sha256:" + "9" * 64,
    "uri": "s3://elsewhere/v2",
    "purpose": "restore",
    "created": "2026-03-02T00:00:00Z",
    "actor": "eve",
    "reason": "another",
    "plan": {"steps": [{"percent": 100}], "approval": "before-100"},
    "expectation": {"champion": "v1", "entities": {}},
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_to_be_done_never_changes(api, name):
    """Neither a field's value nor whether it is there, though the new one alone would be accepted."""
    api.create(MODEL_ROLLOUTS, body(**{name: CHANGED[name]}))
    made = api.create(MODEL_ROLLOUTS, body())
    with pytest.raises(ConfigError, match="what is to be done never changes"):
        api.replace(MODEL_ROLLOUTS, {**made, "spec": {**made["spec"], name: CHANGED[name]}})
    if name in {"created", "expectation"}:
        whole = api.create(MODEL_ROLLOUTS, body(**{name: CHANGED[name]}))
        with pytest.raises(ConfigError, match="what is to be done never changes"):
            api.replace(MODEL_ROLLOUTS, {**whole, "spec": {key: each for key, each in whole["spec"].items() if key != name}})


def test_approvals_and_the_order_to_end_it_only_grow(api):
    """Each can be added once; then neither is changed nor taken away."""
    made = api.create(MODEL_ROLLOUTS, body())
    asked = api.replace(MODEL_ROLLOUTS, {**made, "spec": {**made["spec"], "approvals": [consent()], "abort": ORDER}})
    spec = asked["spec"]
    for changes, told in (
        ({"approvals": []}, "none of them changes"),
        ({"approvals": [consent(actor="eve")]}, "none of them changes"),
        ({"approvals": None}, "approvals only grow"),
        ({"abort": {**ORDER, "withdraw": True}}, "stays as it was given"),
        ({"abort": None}, "an order to end it stays"),
    ):
        changed = {name: value for name, value in {**spec, **changes}.items() if value is not None}
        with pytest.raises(ConfigError, match=told):
            api.replace(MODEL_ROLLOUTS, {**asked, "spec": changed})


def test_list_shows_where_rollouts_stand(started, api):
    """By the short name: version, phase, step, share, verdict and age."""
    cluster = started(KSERVE_VERSIONS[0])
    records = ClusterRollouts(api, SERVICE, "clinical-ner")
    stage = Stage().set_out("before-100", name=next(NAMES)).go_to(Phase.WAITING_APPROVAL)
    records.write_status(records.create(stage.spec), stage.status)
    title, line = cluster.kubectl("get", "mr", stage.spec.name, "-n", api.namespace).splitlines()
    assert title.split() == ["NAME", "VERSION", "PHASE", "STEP", "TRAFFIC", "VERDICT", "AGE"]
    assert line.split()[:-1] == [stage.spec.name, "v2", "waiting-approval", "2", "50", "Passed"]
    assert stage.spec.name in cluster.kubectl("get", "clinical-ner", "-n", api.namespace)
