"""What objects of Standard mode show, and which fields are sent for each step."""

import pytest

from clinical_ner.errors import ConfigError, TargetUnreachable
from clinical_ner.rollout.kserve import predictors
from clinical_ner.rollout.kserve.pods import RestartMemory
from clinical_ner.rollout.kserve.resources import DIGEST_VARIABLE
from clinical_ner.rollout.kserve.routes import Settling
from clinical_ner.rollout.kserve.standard_reading import Objects, can_carry, drift, incarnation_of, is_whole, observe
from clinical_ner.rollout.targets import ModelReference
from tests.clinical_ner.rollout.kserve.pod_objects import DIGEST, LATER, URI, deployment, pod, route

V2 = ModelReference("v2", "sha256:" + "2" * 64, URI.format("v2"))
STABLE, CANARY = "ner-v1-predictor", "ner-v2-predictor"


def model(version, digest):
    format_ = {"modelFormat": {"name": "clinical-ner"}, "runtime": "clinical-ner", "name": "", "protocolVersion": "v2"}
    return {**format_, "storageUri": URI.format(version), "env": [{"name": DIGEST_VARIABLE, "value": digest}]}


def service(**spec):
    predictor = {"name": "v1", "minReplicas": 3, "timeout": 60, "model": model("v1", DIGEST)}
    return {"metadata": {"name": "ner", "namespace": "space"}, "spec": {"predictor": predictor, **spec}}


def with_split(percent):
    """A service that a rollout has given a canary."""
    sent = predictors.with_canary(service(), V2)
    found = service(canary=[{**sent["canary"][0], "trafficPercent": percent}])
    found["spec"]["predictor"]["minReplicas"] = sent["predictor"]["minReplicas"]
    return found


def seen(found, routes, *, pods=(), versions=("v1", "v2")):
    deployments = {f"ner-{version}-predictor": deployment(version) for version in versions}
    return observe(Objects(found, deployments, routes, pods), RestartMemory(), Settling(lambda: 9.0, seconds=0), "token")


def test_canary_is_sent_with_all_that_is_its_own():
    """One update: twice the pods for the stable; N for the canary, at 0 %, its model and digest, and the rest of the model."""
    spec = predictors.with_canary(service(), V2)
    owned = {"name": "", "storageUri": URI.format("v1"), "env": [{"name": DIGEST_VARIABLE, "value": DIGEST}]}
    assert spec["predictor"] == {"name": "v1", "minReplicas": 6, "model": owned}
    assert spec["canary"] == [
        {"trafficPercent": 0, "predictor": {"name": "v2", "minReplicas": 3, "model": model("v2", V2.digest)}}
    ]


def test_promotion_copies_the_canary_and_restores_the_number():
    """In one update, without the entry."""
    spec = predictors.with_canary_as_stable(with_split(100))
    owned = {"name": "", "storageUri": V2.uri, "env": [{"name": DIGEST_VARIABLE, "value": V2.digest}]}
    assert spec == {"predictor": {"name": "v2", "minReplicas": 3, "model": owned}}


def test_share_and_abort_keep_model_and_number():
    """A share changes the share; the stable alone has its own number again."""
    shared, before = predictors.with_percent(with_split(10), 50), with_split(10)["spec"]
    assert shared["canary"] == [{**before["canary"][0], "trafficPercent": 50}]
    assert shared["predictor"]["minReplicas"] == 6
    assert predictors.without_canary(with_split(0))["predictor"] == {**shared["predictor"], "minReplicas": 3}


def test_stable_without_a_name_stays_without():
    """Giving it one would make KServe delete its pods at once."""
    found = service()
    del found["spec"]["predictor"]["name"]
    assert "name" not in predictors.with_canary(found, V2)["predictor"]
    assert seen(found, [None, None]).stable.version == "v1"


def test_stable_that_bears_the_name_of_the_canary_is_refused():
    """Somebody changed its model in place; KServe would refuse two of a name."""
    found = service()
    found["spec"]["predictor"]["name"] = "v2"
    with pytest.raises(ConfigError, match="named v2 already"):
        predictors.check_start(found, V2)


def test_new_process_knows_nothing_before_the_share_has_settled():
    """That a hold goes on: it would begin again by a share that is unknown. A share that moves is unknown as ever."""
    now, settling = [0.0], Settling(lambda: now[0], seconds=4)

    def look(seconds, found, **shares):
        now[0] += seconds
        deployments = {name: deployment() for name in (STABLE, CANARY)}
        return observe(Objects(found, deployments, [route(**shares)] * 2, ()), RestartMemory(), settling, "").percent

    for _ in range(2):
        with pytest.raises(TargetUnreachable, match="4 seconds"):
            look(1, with_split(10), v1=90, v2=10)
    assert look(3, with_split(10), v1=90, v2=10) == 10
    assert look(1, with_split(50), v1=90, v2=10) is None
    assert look(1, with_split(50), v1=50, v2=50) is None
    assert look(4, with_split(50), v1=50, v2=50) == 50
    now, settling = [0.0], Settling(lambda: now[0], seconds=4)
    assert look(0, with_split(10), v1=100) is None
    now, settling = [0.0], Settling(lambda: now[0], seconds=4)
    assert [look(1, service(), v1=100), look(1, with_split(0), v1=100), look(3, with_split(0), v1=100)] == [None, None, 0]


def test_share_that_is_not_the_asked_one_is_unknown():
    """The status' echo of the specification proves nothing, and a route may be frozen."""
    assert seen(with_split(50), [route(v1=90, v2=10)] * 2).percent is None
    assert seen(with_split(10), [route(v1=90, v2=10)] * 2).percent == 10
    assert seen(service(), [route(v1=90, v2=10)] * 2).percent is None


def test_version_that_lost_one_of_its_pods_still_answers():
    """It is not ready, for nothing is judged with it; the way back to it is open."""
    lost = pod("b", ready=False, restarts=1)
    for pods, answers in ([pod("a"), lost], True), ([lost], False):
        stable = seen(service(), [route(v1=100)] * 2, pods=pods, versions=["v1"]).stable
        assert (stable.ready, stable.answers) == (False, answers)


def test_incarnation_changes_with_the_template_alone():
    """Not by size, nor by what the Deployment is to its service; a Deployment that was made anew is another."""
    other, again = deployment(replicas=5, generation=7), deployment(uid="another")
    assert incarnation_of(other) == incarnation_of(deployment())
    assert incarnation_of(again) != incarnation_of(deployment())
    other["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": LATER}
    assert incarnation_of(other) != incarnation_of(deployment())


def test_pods_of_a_former_deployment_are_not_the_canary():
    """Their restarts are not its own; while they are there the former canary is not gone."""
    old = pod("old", "v2", restarts=3)
    objects = {CANARY: deployment("v2", creationTimestamp=LATER), STABLE: deployment()}
    found = Objects(with_split(0), objects, [None, None], [old])
    assert observe(found, RestartMemory(), Settling(lambda: 0.0, 0), "").canary.restarts == 0
    assert seen(service(), [None, None], pods=[old], versions=("v1",)).canary.version == "v2"
    assert seen(service(), [None, None], pods=[pod("old", "v2", metadata={"deletionTimestamp": LATER})]).canary is None


def test_pods_of_a_deployment_that_is_not_there_yet_are_no_canary():
    """It was deleted by hand, or made between two looks: a service at rest has no canary for that."""
    objects = Objects(service(), {STABLE: None}, [None, None], [pod()])
    found = observe(objects, RestartMemory(), Settling(lambda: 0.0, 0), "")
    assert (found.canary, found.stable.ready, found.stable.reason) == (None, False, "KServe has made no Deployment yet")


def test_digest_of_processes_is_told_when_it_is_another():
    """They were given it by somebody, whatever the specification says."""
    wrong = pod("one", "v2")
    assert seen(with_split(0), [None, None], pods=[wrong]).canary.digest == DIGEST
    assert seen(with_split(0), [None, None]).canary.digest == V2.digest


def test_canary_is_whole_with_all_its_pods_of_the_present_template():
    """What promotion waits for: N ready pods, and a Deployment that is not being rolled."""
    three = [pod(name, "v2") for name in "abc"]

    def whole(pods, **changes):
        found = deployment("v2", replicas=3, ready=3, **changes)
        objects = Objects(with_split(100), {CANARY: found}, [None, None], pods)
        return is_whole(objects, predictors.canary_of(objects.service))

    assert whole(three)
    assert not whole(three[:2])
    assert not whole([*three[:2], pod("c", "v2", ready=False)])
    assert not whole(three, generation=2)


@pytest.mark.parametrize(("ready", "most"), [(0, 0), (1, 33), (2, 66), (3, 100)])
def test_share_grows_with_the_canarys_ready_pods(ready, most):
    """Of three; KServe itself gives everything to one."""
    pods = [pod(name, "v2", ready=number < ready) for number, name in enumerate("abc")]
    objects = Objects(with_split(0), {CANARY: deployment("v2")}, [None, None], pods)
    canary = predictors.canary_of(objects.service)
    assert [can_carry(objects, canary, percent) for percent in (most, most + 1)] == [True, False]


def changed(path, value):
    found = with_split(10)
    place = found["spec"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return found


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed(("canary", 0, "predictor", "name"), "v5"), "the canary named v5 serves"),
        (changed(("canary", 0, "predictor", "model", "runtime"), "other"), "differ in runtime"),
        (changed(("canary", 0, "predictor", "model", "env"), [{"name": "LOG", "value": "on"}]), "differ in env"),
        (changed(("predictor", "canaryTrafficPercent"), 10), "canaryTrafficPercent is 10"),
        (changed(("canary",), with_split(10)["spec"]["canary"] * 2), "2 canaries"),
    ],
)
def test_what_no_rollout_does_is_drift(found, words):
    """A sentence each; a service as a rollout leaves it has none."""
    assert any(words in each for each in drift(found))
    assert list(drift(with_split(10))) == []


def test_what_the_canary_does_not_say_is_no_difference():
    """What KServe's webhook fills in is empty; what the canary leaves out it inherits."""
    assert list(drift(changed(("canary", 0, "predictor", "model", "resources"), {}))) == []
    assert list(drift(changed(("predictor", "model", "resources"), {"requests": {"cpu": "1"}}))) == []
    variables = [{"name": "LOG", "value": "on"}, {"name": DIGEST_VARIABLE, "value": DIGEST}]
    assert list(drift(changed(("predictor", "model", "env"), variables))) == []


def test_stable_whose_model_somebody_took_away_is_written_without_one():
    """The way back goes on."""
    found = with_split(10)
    del found["spec"]["predictor"]["model"]
    assert predictors.with_percent(found, 0)["predictor"] == {"name": "v1", "minReplicas": 6}
    assert predictors.without_canary(found) == {"predictor": {"name": "v1", "minReplicas": 3}}
