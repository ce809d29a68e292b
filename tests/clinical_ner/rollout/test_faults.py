"""What may go wrong with a rollout, one thing at a time: how it ends, and that it says why."""

from dataclasses import replace

import pytest

from clinical_ner.errors import RolloutError
from clinical_ner.rollout.machine.actions import AbortCanary, SetPercent
from clinical_ner.rollout.status import Phase
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.stage import HOLD, INCONCLUSIVE, READY, REQUESTS

HOLDING = Phase.HOLDING
BOTH = frozenset({"v1", "v2"})


@pytest.mark.parametrize("percent", [5, 50, 100])
def test_canary_that_restarts_is_withdrawn_at_once(stage, percent):
    """One look after a crash its traffic is asked back."""
    stage.go_to(HOLDING, percent).crash_canary()
    assert AbortCanary() in stage.look()
    stage.check_back("restarted", state=State.ROLLED_BACK)


def test_canary_that_restarted_unseen_is_withdrawn(stage):
    """The target did not see it, but counters that began anew tell."""
    stage.go_to(HOLDING, 50).source.servers["v2"].restart()
    stage.check_back("counters began anew", state=State.ROLLED_BACK)


def test_canary_that_is_not_ready_any_more_is_taken_away_at_once(stage):
    """Its requests have nobody else to go to; a node that failed is no fault of the model's, which may be tried again."""
    stage.go_to(HOLDING, 50).change_canary(ready=False, reason="the node was shut down")
    assert AbortCanary() in stage.look()
    stage.check_back("no longer ready: the node was shut down")


def test_canary_that_is_seen_unready_before_it_is_seen_restarted_is_withdrawn(stage):
    """A process that crashes is not ready first, and started again a moment later."""
    stage.go_to(HOLDING, 50).change_canary(ready=False)
    stage.look()
    stage.crash_canary()
    stage.check_back("no longer ready", state=State.ROLLED_BACK)


def test_canary_that_crashes_while_loading_ends_it(stage):
    """A crash loop is not waited out."""
    stage.go_to(Phase.STARTING).crash_canary()
    stage.check_back("restarted", state=State.ROLLED_BACK)


def test_canary_that_is_never_ready_ends_it_without_blame(stage):
    """An image that is missing is no fault of the model's, which may be tried again."""
    stage.go_to(Phase.STARTING).change_canary(ready=False, reason="image cannot be pulled")
    for _ in range(int(READY / 30) + 1):
        assert stage.service.carried == 0
        stage.look()
        stage.pass_time(30)
    stage.check_back("not ready within 120 seconds: image cannot be pulled")


def test_canary_that_cannot_be_asked_for_ends_it_with_why(stage):
    """What the target never does is told at the end, when no pod can tell."""
    stage.service.start = refuse
    facts = stage.facts
    stage.facts = lambda: replace(facts(), problems=("file:///v2: no pod can read it",))
    for _ in range(int(READY / 30) + 2):
        stage.look()
        stage.pass_time(30)
    stage.check_back("not ready within 120 seconds: file:///v2: no pod can read it")


def refuse(_model, _seen):
    raise RolloutError("it can never do this")


def test_worse_canary_is_withdrawn(stage):
    """The reason names the check and its numbers."""
    stage.go_to(HOLDING, 5).traffic(300, 290)
    stage.check_back("worse than the stable version at 5 %: errors", state=State.ROLLED_BACK)


def test_no_traffic_holds_and_goes_back_at_the_limit(stage):
    """Without requests there is no verdict, and nobody is to blame."""
    while stage.status.phase is not HOLDING:
        stage.look()
        stage.service.settle()
    for _ in range(int((HOLD + INCONCLUSIVE) / 30)):
        stage.pass_time(30)
        stage.look()
        assert stage.status.phase is HOLDING
        assert "no request has reached the canary" in stage.status.waits_for
    stage.pass_time(30)
    stage.look()
    stage.check_back("no verdict at 5 % within 345 seconds: traffic")


def test_missing_metrics_hold_and_go_back_at_the_limit(stage):
    """What cannot be read is inconclusive, whatever was read before."""
    stage.go_to(HOLDING, 50)
    stage.source.failing = BOTH
    for _ in range(13):
        stage.traffic(100)
        stage.pass_time(30)
        stage.look()
        assert stage.service.carried <= 50
    stage.check_back("no verdict at 50 % within 345 seconds: metrics")


@pytest.mark.parametrize("requests", [0, 2 * REQUESTS])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("unknown", [True, False])
def test_missing_metrics_of_one_version_hold_and_go_back_at_the_limit(stage, version, unknown, requests):
    """One version's numbers compare with nothing, also when enough had been counted before; whose are missing is told."""
    stage.go_to(HOLDING, 5).traffic(requests)
    stage.look()
    words = f"no process of {version} is known" if unknown else f"those of {version} cannot be read"
    server = stage.source.servers.pop(version) if unknown else None
    stage.source.failing = frozenset() if unknown else frozenset({version})
    while stage.status.phase is HOLDING:
        stage.pass_time(30)
        for each in stage.source.servers.values():
            each.answer(100)
        stage.look()
        assert stage.service.carried == 5
        assert f"metrics: {words}" in stage.status.waits_for + stage.status.reason
    if server:
        stage.source.servers[version] = server
    stage.check_back(f"no verdict at 5 % within 345 seconds: metrics: {words}")


def test_gateway_that_knows_no_calls_holds_and_goes_back_at_the_limit(stage):
    """Its queries look elsewhere: what it does not know is no evidence that none failed, however much the servers answered."""
    stage.source.callers = {}
    stage.go_to(HOLDING, 5)
    while stage.status.phase is HOLDING:
        stage.traffic(200)
        stage.pass_time(15)
        stage.look()
        assert stage.service.carried == 5
    stage.check_back("failed calls: the gateway knows no calls of the canary and the stable")


def test_metrics_that_come_back_lose_nothing(stage):
    """Counters are cumulative: what was counted meanwhile counts."""
    stage.go_to(HOLDING, 5)
    stage.source.failing = BOTH
    stage.traffic(1000)
    stage.look()
    stage.source.failing = frozenset()
    stage.look()
    assert stage.status.hold.canary.sample.counts.requests >= 1000


def test_stable_that_restarts_makes_the_hold_begin_again(stage):
    """What was held before is thrown away, and the step takes its whole time."""
    stage.go_to(HOLDING, 5).go_well(5)
    assert stage.status.hold.held_seconds > 0
    stage.restart_stable()
    stage.look()
    assert (stage.status.hold.held_seconds, stage.status.hold.restarts) == (0, 1)
    assert stage.status.hold.canary.sample.counts.requests == 0
    stage.go_to(Phase.SUCCEEDED)


def test_stable_that_is_down_stops_every_move(stage):
    """No weight is moved while the stable cannot take any."""
    stage.go_to(HOLDING, 5)
    stage.change_stable(ready=False)
    for _ in range(10):
        assert not stage.look()
        stage.traffic(100)
        stage.pass_time(20)
    assert stage.service.carried == 5


def test_lost_weight_is_not_asked_for_again_while_the_stable_is_down(stage):
    """A kill between writing and asking leaves a weight to ask for; the stable must be there for it."""
    while stage.status.phase is not Phase.SHIFTING:
        stage.look(done=9 if stage.status.phase is not Phase.STARTING else 0)
        stage.service.settle()
    stage.change_stable(ready=False)
    assert not stage.look()
    stage.change_stable(ready=True)
    assert stage.look() == (SetPercent(5),)


def test_rollback_waits_for_a_stable_that_is_down(stage):
    """As long as only the canary answers it keeps the traffic, and it is told what is waited for."""
    stage.go_to(HOLDING, 50)
    stage.change_stable(ready=False)
    stage.abort()
    for _ in range(3):
        assert AbortCanary() not in stage.look()
    assert "the stable version to answer" in stage.status.waits_for
    stage.change_stable(ready=True)
    stage.check_back("doctor ended it: stop")


def test_rollback_goes_to_a_stable_that_lost_a_process(stage):
    """One that answers with fewer of them is better than a canary that failed."""
    stage.go_to(HOLDING, 50)
    stage.change_stable(ready=False, some_ready=True)
    stage.crash_canary()
    assert AbortCanary() in stage.look()
    stage.check_back("restarted", state=State.ROLLED_BACK)


def test_rollback_leaves_no_canary_that_answers_for_a_stable_that_does_not(stage):
    """Of several processes one is enough to keep what the canary carries."""
    stage.go_to(HOLDING, 50)
    stage.change_stable(ready=False)
    stage.change_canary(ready=False, some_ready=True)
    assert AbortCanary() not in stage.look()
    stage.change_stable(some_ready=True)
    assert AbortCanary() in stage.look()


def test_ready_canary_gets_nothing_while_the_stable_is_down(stage):
    """Its first share is asked for when both can carry theirs."""
    stage.go_to(Phase.STARTING)
    stage.change_stable(ready=False)
    assert not stage.look()
    assert (stage.status.phase, stage.status.waits_for[:18]) == (Phase.STARTING, "the stable version")
    stage.change_stable(ready=True)
    assert stage.look() == (SetPercent(5),)


def test_promotion_waits_until_100_percent_is_proven_again(stage):
    """A router that wavers at the last moment is waited for, and given up at the limit; the live pointer comes back."""
    stage.go_to(Phase.PROMOTING).look()
    stage.service.carried = 99
    assert stage.states.live == "v2"
    assert not stage.look()
    assert stage.status.waits_for == "the router to send 100 % to v2"
    for _ in range(3):
        stage.pass_time(60)
        stage.look()
    stage.check_back("it was not promoted within 120 seconds", state=State.RETIRED)
