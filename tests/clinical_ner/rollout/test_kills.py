"""Processes killed beside every write and every action: the next one goes on, and of two at once one waits."""

import os
import random
import signal
import traceback

import pytest

from clinical_ner.registry import Registry
from clinical_ner.rollout.status import Abort, Approval, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.file_world import MODEL, FileWorld, advance_until_killed, at_call, at_place, make_spec
from tests.clinical_ner.rollout.stage import START

PROCESSES = 400
PLACES = ("before write", "after write", "before action", "after action")
ACTING = (Phase.STARTING, Phase.SHIFTING, Phase.PROMOTING)
RELEASE = [(Phase.HOLDING, place) for place in PLACES[:2]] + [(phase, place) for phase in ACTING for place in PLACES]
END = [(Phase.SUCCEEDED, place) for place in PLACES[:2]]


def spawn(root, owner, dies=None):
    """A process that advances all rollouts until they have ended, or it is killed."""
    pid = os.fork()
    if pid:
        return pid
    try:
        advance_until_killed(root, owner, dies)
    except BaseException:  # noqa: BLE001  # whatever it is, the test sees the exit status
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait_for(pid):
    """Whether it ended by itself; anything but that and being killed is an error."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in {0, -signal.SIGKILL}
    return code == 0


def died_at(storage):
    return StoredRollouts(storage, MODEL).read("v2").status.phase


def check_end(storage, phase):
    """Service and registry say the same as the rollout, and only one canary was ever started."""
    service, states = FileWorld(storage).service(), Registry(storage).states(MODEL)
    live = "v2" if phase is Phase.SUCCEEDED else "v1"
    assert died_at(storage) is phase
    assert (service.stable.version, service.canary, states.live) == (live, None, live)
    assert service.canaries_started == 1


@pytest.mark.parametrize(("phase", "place"), RELEASE + END)
def test_runner_killed_in_each_phase_is_gone_on_with(store, tmp_path, phase, place):
    """Before and after each write and each action: the next process ends what the dead one began."""
    assert not wait_for(spawn(tmp_path, "first", at_place(phase, place)))
    assert wait_for(spawn(tmp_path, "second"))
    check_end(store, Phase.SUCCEEDED)


@pytest.mark.parametrize(("place", "stable"), [("before action", "v1"), ("after action", "v2")])
def test_runner_killed_beside_the_promotion_is_gone_on_with(store, tmp_path, place, stable):
    """The live pointer has moved before; whoever comes next promotes what is not promoted, and nothing twice."""
    assert not wait_for(spawn(tmp_path, "first", at_place(Phase.PROMOTING, place, 2)))
    assert (Registry(store).states(MODEL).live, FileWorld(store).service().stable.version) == ("v2", stable)
    assert wait_for(spawn(tmp_path, "second"))
    check_end(store, Phase.SUCCEEDED)


def test_runner_killed_while_a_person_is_asked_is_gone_on_with(store, tmp_path):
    """Nothing is promoted before the approval, and two approvals are one."""
    records, approval = StoredRollouts(store, MODEL), Approval(gate="promotion", actor="doctor", time=START, reason="read")
    store.delete(f"{records.folder}/v2.json")
    records.create(make_spec(Registry(store).get(MODEL, "v2"), approval="before-100"))
    for place in (*PLACES[:2], *PLACES[:2]):
        assert not wait_for(spawn(tmp_path, "first", at_place(Phase.WAITING_APPROVAL, place)))
        assert (Registry(store).states(MODEL).live, FileWorld(store).service().stable.version) == ("v1", "v1")
    assert died_at(store) is Phase.WAITING_APPROVAL
    for _ in range(2):
        records.approve("v2", approval)
    assert wait_for(spawn(tmp_path, "second"))
    check_end(store, Phase.SUCCEEDED)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [1, 2])
def test_runner_killed_on_the_way_back_is_gone_on_with(store, tmp_path, place, number):
    """The one write that ordered the end is enough, whoever carries it out; the version is withdrawn once."""
    assert not wait_for(spawn(tmp_path, "first", at_place(Phase.HOLDING, "after write", 9)))
    StoredRollouts(store, MODEL).abort("v2", Abort(actor="monitor", time=START, reason="reviewed F1 fell", withdraw=True))
    assert not wait_for(spawn(tmp_path, "second", at_place(Phase.ROLLING_BACK, place, number)))
    assert wait_for(spawn(tmp_path, "third"))
    check_end(store, Phase.ROLLED_BACK)
    assert Registry(store).get(MODEL, "v2").state is State.ROLLED_BACK


def test_two_runners_at_once_are_as_one(store, tmp_path):
    """Both are killed again and again; neither undoes or doubles what the other did."""
    running, draw, kills = {}, random.Random(1), 0
    while True:
        for owner in {"left", "right"} - set(running):
            running[owner] = spawn(tmp_path, f"{owner}-{kills}", at_call(draw.randint(1, 12)))
        pid, status = os.wait()
        del running[next(owner for owner, child in running.items() if child == pid)]
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, -signal.SIGKILL}
        if code == 0:
            break
        kills += 1
        assert kills < PROCESSES
    for pid in running.values():
        wait_for(pid)
    assert kills > 5
    check_end(store, Phase.SUCCEEDED)


def test_second_runner_waits_and_leaves_when_it_is_done(store, tmp_path):
    """Of two that nobody kills both return, and the rollout was advanced once."""
    pids = [spawn(tmp_path, owner) for owner in ("left", "right")]
    assert [wait_for(pid) for pid in pids] == [True, True]
    check_end(store, Phase.SUCCEEDED)
