"""The steps of Knative mode in states that pass too quickly, or go too wrong, for the double of its controllers to show."""

from dataclasses import replace

import pytest

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.rollout.kserve.knative_observing import observe_view
from clinical_ner.rollout.kserve.knative_reading import Model, Revision, View
from clinical_ner.rollout.kserve.knative_steps import Wish, abort, check_uri, owned_fields, promote, set_percent, start
from clinical_ner.rollout.kserve.pods import RestartMemory
from clinical_ner.rollout.targets import ModelReference

V0, V1, V2 = (Model(f"s3://models/v{number}", f"sha256:{number}") for number in range(3))
NOTHING = Model("")


def pod(*, ready):
    """Of a server that runs since the beginning."""
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"uid": "pod", "name": "pod"}, "spec": {"containers": []}, "status": status}


def revision(name, model, *, passed=True, pods=1, ready=True, idle=False):
    return Revision(name, f"uid-{name}", model, passed, idle, "", tuple(pod(ready=ready) for _ in range(pods)))


R0, R1, R2 = (revision(f"r{number}", model) for number, model in enumerate((V0, V1, V2)))
LOADING = revision("r2", V2, passed=False, ready=False)

REST = View(asked=None, wanted=V1, ours=True, created=R1, ready=R1, rolled_out=R1, before=R0, shares={"r1": 100})
STARTED = replace(REST, asked=0, wanted=V2)
LOADS = replace(STARTED, created=LOADING)
AT_10 = replace(STARTED, asked=10, created=R2, ready=R2, shares={"r1": 90, "r2": 10})
AT_100 = replace(AT_10, asked=100, rolled_out=R2, before=R1, shares={"r2": 100})
EMPTY = View(asked=None, wanted=NOTHING, ours=False, created=None, ready=None, rolled_out=None, before=None, shares=None)
FIRST = replace(EMPTY, asked=100, wanted=V1, ours=True, created=R1, ready=R1, rolled_out=R1, shares={"r1": 100})


def with_dead_pods(view, *names):
    def dead(each):
        return replace(each, pods=()) if each and each.name in names else each

    parts = {part: dead(getattr(view, part)) for part in ("created", "ready", "rolled_out", "before")}
    return replace(view, **parts)


def seen(view):
    return observe_view(view, "token", RestartMemory())


def test_start_beside_a_stable_is_at_0_and_without_one_at_100():
    """In one update with the model: whatever was rolled out last keeps everything meanwhile."""
    assert start(REST, V2) == Wish(V2, 0)
    assert start(EMPTY, V1) == Wish(V1, 100)
    assert start(STARTED, V2) is None


def test_old_versions_revision_is_not_taken_for_the_canary():
    """Before KServe has made the new one, "latest" is still the stable: the canary is there, without a process."""
    observation = seen(STARTED)
    assert (observation.stable.version, observation.canary.version, observation.canary.ready) == ("v1", "v2", False)
    assert observation.percent == 0


def test_share_is_proven_by_name():
    """While the canary loads, the status shows the asked split with the old revision in both places."""
    assert seen(replace(LOADS, asked=10)).percent is None
    assert seen(AT_10).percent == 10
    assert seen(replace(AT_10, asked=50)).percent is None
    assert seen(replace(AT_10, shares=None)).percent is None
    assert seen(replace(AT_10, created=revision("r3", V2, passed=False))).percent is None


def test_share_grows_only_for_the_latest_ready_revision():
    """Else it would go to the one before; it may always shrink."""
    assert set_percent(LOADS, 10) is None
    assert set_percent(AT_10, 50) == Wish(V2, 50)
    assert set_percent(with_dead_pods(AT_10, "r2"), 50) is None
    assert set_percent(with_dead_pods(AT_10, "r2"), 0) == Wish(V2, 0)
    with pytest.raises(TargetChanged):
        set_percent(REST, 10)


def test_promotion_removes_the_share_at_proven_100_alone():
    """Below, the stable's callers would be moved by it."""
    assert promote(AT_100) == Wish(V2, None)
    assert promote(replace(AT_10, asked=100)) is None
    assert promote(AT_10) is None
    assert "canaryTrafficPercent" not in owned_fields(Wish(V2, None))["predictor"]


def test_abort_puts_the_stables_model_back_at_0():
    """From its own revision: URI, digest and 0 % in one update."""
    assert abort(AT_10) == Wish(V1, 0)
    assert abort(LOADS) == Wish(V1, 0)


def test_abort_waits_for_the_canarys_revision():
    """The stable's own template at 0 % would make KServe send everything to the version before it."""
    assert abort(STARTED) is None
    assert abort(replace(STARTED, refused="must not set the field(s): affinity")) == Wish(V1, None)


def test_abort_ends_when_the_stables_model_is_ready_again():
    """Its share goes only then: before, everything would go to the canary, the latest that is ready."""
    back = replace(AT_10, asked=0, wanted=V1, shares={"r1": 100})
    assert abort(back) is None
    again = revision("r3", V1)
    done = replace(back, created=again, ready=again)
    assert (seen(done).canary, seen(done).percent) == (None, None)
    assert abort(done) == Wish(V1, None)
    assert abort(with_dead_pods(done, "r3")) is None
    assert abort(REST) is None


def test_abort_at_100_goes_back_to_the_version_before_at_once():
    """Only while its pods live and the canary answers; else the canary serves until the stable's model is ready again."""
    assert (seen(AT_100).stable.version, seen(AT_100).canary.version) == ("v1", "v2")
    assert abort(AT_100) == Wish(V2, 0)
    assert abort(replace(AT_100, asked=0)) is None
    assert abort(with_dead_pods(AT_100, "r1")) == Wish(V1, None)
    crashing = replace(R2, pods=(pod(ready=False),))
    assert abort(replace(AT_100, created=crashing, ready=crashing, rolled_out=crashing)) == Wish(V1, None)


def test_way_back_from_100_is_seen_as_one():
    """The stable's model is asked for without a share, and the canary carries everything until it is ready."""
    loads = revision("r3", V1, passed=False, ready=False)
    view = replace(AT_100, asked=None, wanted=V1, created=loads)
    observation = seen(view)
    assert (observation.stable.version, observation.stable.ready) == ("v1", False)
    assert (observation.canary.version, observation.canary.ready, observation.percent) == ("v2", True, None)
    assert abort(view) is None


def test_model_that_somebody_else_asked_for_is_no_way_back():
    """The latest ready revision serves on as the stable; that it is to be replaced is drift."""
    observation = seen(replace(REST, wanted=V2, ours=False))
    assert (observation.stable.version, observation.canary) == ("v1", None)


def test_abort_waits_until_kserve_has_seen_100():
    """It would call the canary rolled out after all, and send it what the stable's model is to get."""
    assert abort(replace(AT_10, asked=100)) is None


def test_stable_without_traffic_stays_fit_without_pods():
    """At 100 % its pods end after a while, and a hold must not begin again for that."""
    assert seen(with_dead_pods(AT_100, "r1")).stable.ready
    assert not seen(with_dead_pods(AT_10, "r1")).stable.ready


def test_scaled_to_zero_is_ready():
    """Knative holds the next call until there is a pod."""
    idle = revision("r2", V2, pods=0, idle=True)
    assert seen(replace(AT_10, created=idle, ready=idle)).canary.ready


def test_revision_that_lost_one_of_its_pods_still_answers():
    """It is not ready, for nothing is judged with it; the way back to it is open."""
    lost = pod(ready=False)
    lost["status"]["containerStatuses"] = [{"name": "kserve-container", "restartCount": 1}]
    for pods, answers in ((pod(ready=True), lost), True), ((lost,), False):
        stable = replace(R1, pods=pods)
        found = seen(replace(AT_10, rolled_out=stable)).stable
        assert (found.ready, found.answers) == (False, answers)


def test_model_that_was_really_fetched_counts():
    """A pod with another one is not the canary's."""
    foreign = pod(ready=True)
    foreign["metadata"]["annotations"] = {"internal.serving.kserve.io/storage-initializer-sourceuri": "s3://models/v9"}
    other = replace(R2, pods=(foreign,))
    canary = seen(replace(AT_10, created=other, ready=other)).canary
    assert (canary.ready, canary.reason) == (False, "it has loaded s3://models/v9 instead of s3://models/v2")


def test_first_version_is_on_trial_until_it_is_promoted():
    """It has everything; one that was ready cannot be taken away again, and stays."""
    observation = seen(FIRST)
    assert (observation.stable, observation.canary.version, observation.percent) == (None, "v1", 100)
    assert promote(FIRST) == Wish(V1, None)
    assert abort(FIRST) == Wish(V1, None)
    never = replace(FIRST, created=revision("r1", V1, passed=False, ready=False), ready=None, rolled_out=None, shares=None)
    assert abort(never) == Wish(NOTHING, None)
    assert owned_fields(Wish(NOTHING, None)) == {"predictor": {"model": {}}}


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (replace(REST, stopped=True), "stopped"),
        (replace(REST, lost="r1"), "r1 is gone"),
        (replace(REST, wanted=V2, ours=False), "somebody else asked for the model s3://models/v2"),
        (replace(AT_10, created=revision("r3", V2, passed=False)), "r3 is to take the place of r2"),
        (replace(REST, created=revision("r2", V1, passed=False)), "r2 is to take the place of r1"),
    ],
)
def test_what_no_rollout_does_is_drift(view, words):
    """Told in a sentence."""
    (told,) = seen(view).drift
    assert words in told


@pytest.mark.parametrize("view", [REST, STARTED, LOADS, AT_10, AT_100, FIRST, EMPTY, replace(AT_10, asked=0, wanted=V1)])
def test_own_steps_are_no_drift(view):
    """None of the states that a rollout brings about."""
    assert seen(view).drift == ()


@pytest.mark.parametrize(
    ("uri", "words"), [("file:///models/v2", "it knows abfs"), ("s3://models/latest", "end with its name")]
)
def test_model_that_stops_kserve_is_refused(uri, words):
    """Before anything is written."""
    with pytest.raises(ConfigError, match=words):
        check_uri(ModelReference("v2", "sha256:2", uri))
