"""Controllers killed beside every write and every action: the next one goes on, and of two at once one acts."""

import os
import random
import signal
import traceback

import pytest

from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.registry import Registry
from clinical_ner.rollout.runner import all_ended
from clinical_ner.rollout.status import Abort, Approval, Phase
from clinical_ner.storage import open_storage
from clinical_ner.version_states import State
from tests.clinical_ner.rollout.controller.running import Running
from tests.clinical_ner.rollout.file_world import MODEL, FileWorld, at_call, at_place, make_deadly
from tests.clinical_ner.rollout.stage import START

PLACES = ("before write", "after write", "before action", "after action")
RELEASE = [
    *((phase, place) for phase in (Phase.STARTING, Phase.SHIFTING) for place in PLACES),
    *((Phase.HOLDING, place) for place in PLACES[:2]),
    *((Phase.WAITING_APPROVAL, place) for place in (*PLACES[:2], *PLACES[:2])),
]
# Twice beside an action: the first one moves the live pointer, the second one promotes.
PROMOTION = [(Phase.PROMOTING, place) for place in (*PLACES, *PLACES[2:])] + [(Phase.SUCCEEDED, place) for place in PLACES[:2]]
WAY_BACK = [(Phase.ROLLING_BACK, place) for place in (*PLACES, *PLACES)] + [(Phase.ROLLED_BACK, place) for place in PLACES[:2]]


@pytest.fixture
def spawn(newest, cluster_api, tmp_path):
    """Fork a controller that goes round until all rollouts have ended, or it is killed; gives its process's id."""

    def fork(identity, dies=None, **lease):
        pid = os.fork()
        if pid:
            return pid
        try:
            api = KubernetesApi.connect(cluster_api.namespace, kubeconfig=str(newest.kubeconfig))
            running = Running(open_storage(str(tmp_path)), api, identity, **lease)
            if dies:
                make_deadly(running.records, dies)
            while not all_ended(running.records.all()):
                running.round()
        except BaseException:  # noqa: BLE001  # whatever it is, the test sees the exit status
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    return fork


def ended(status):
    """Whether a process ended by itself; anything but that and being killed is an error."""
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}
    return code == 0


def run(pid):
    return ended(os.waitpid(pid, 0)[1])


def check_end(storage, records, phase):
    """Service and registry say the same as the rollout, and only one canary was ever started."""
    service, live = FileWorld(storage).service(), "v2" if phase is Phase.SUCCEEDED else "v1"
    assert records.read("v2").status.phase is phase
    assert (service.stable.version, service.canary, Registry(storage).states(MODEL).live) == (live, None, live)
    assert service.canaries_started == 1


def test_controller_killed_everywhere_is_gone_on_with(store, records, start, spawn):
    """One after another dies before and after each write and action of each phase of one rollout; two approvals are one."""
    start(approval="before-100")
    for phase, place in RELEASE:
        assert not run(spawn("pod", at_place(phase, place))), (phase, place)
    assert (Registry(store).states(MODEL).live, FileWorld(store).service().stable.version) == ("v1", "v1")
    for _ in range(2):
        records.approve("v2", Approval(gate="promotion", actor="doctor", time=START, reason="read"))
    served = []
    for phase, place in PROMOTION:
        assert not run(spawn("pod", at_place(phase, place))), (phase, place)
        served.append((Registry(store).states(MODEL).live, FileWorld(store).service().stable.version))
    assert served == [*[("v1", "v1")] * 3, *[("v2", "v1")] * 2, *[("v2", "v2")] * 3]
    assert run(spawn("pod"))
    check_end(store, records, Phase.SUCCEEDED)


def test_controller_killed_on_the_way_back_is_gone_on_with(store, records, start, spawn):
    """The one write that ordered the end is enough, whoever carries it out; the version is withdrawn once."""
    start()
    assert not run(spawn("pod", at_place(Phase.HOLDING, "after write", 2)))
    records.abort("v2", Abort(actor="monitor", time=START, reason="reviewed F1 fell", withdraw=True))
    for phase, place in WAY_BACK:
        assert not run(spawn("pod", at_place(phase, place))), (phase, place)
    check_end(store, records, Phase.ROLLED_BACK)
    assert Registry(store).get(MODEL, "v2").state is State.ROLLED_BACK


def test_two_controllers_at_once_are_as_one(store, records, start, spawn):
    """Both are killed again and again; the other takes over after the Lease's end, and neither doubles what was done."""
    start()
    running, draw, kills = {}, random.Random(1), 0
    while not all_ended(records.all()):
        for owner in {"left", "right"} - set(running.values()):
            running[spawn(f"{owner}-{kills}", at_call(draw.randint(4, 12)), duration_seconds=1)] = owner
        pid, status = os.wait()
        del running[pid]
        kills += not ended(status)
        assert kills < 40
    for pid in running:
        run(pid)
    assert kills > 2
    check_end(store, records, Phase.SUCCEEDED)
