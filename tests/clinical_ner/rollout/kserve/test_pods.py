"""What pods say of a version's processes."""

import pytest

from clinical_ner.rollout.kserve.addresses import addresses_of
from clinical_ner.rollout.kserve.pods import RestartMemory, processes_of, why
from tests.clinical_ner.rollout.kserve.pod_objects import CREATED, DIGEST, LATER, STARTED, container, pod

CRASH = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "Patient John Doe"}}
LOOP = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}


def test_version_is_fit_with_one_ready_pod_beside_loading_ones():
    """Pods that are added have never been ready: the version carries its share without them."""
    found = processes_of([pod("one"), pod("two", ready=False)])
    assert (found.fit, found.count, found.ready, found.lost, found.reason) == (True, 2, 1, 0, "")


@pytest.mark.parametrize(
    "lost",
    [
        pod("two", ready=False, changed=LATER),
        pod("two", ready=False, restarts=1),
        pod("two", ready=False, container={"state": LOOP, "lastState": CRASH}),
    ],
)
def test_version_is_unfit_when_a_pod_that_was_ready_is_not(lost):
    """By its status alone: it ended once, or turned unready after its container ran."""
    assert not processes_of([pod("one"), lost]).fit


def test_version_without_a_ready_pod_is_unfit():
    """No pod at all, loading ones, ones on their way out, evicted ones."""
    ending = pod(metadata={"deletionTimestamp": LATER})
    for pods in ([], [pod(ready=False)], [ending], [pod(phase="Failed")]):
        assert not processes_of(pods).fit


def test_crash_tells_its_code_and_reason_but_no_log():
    """A container's last message may be the end of its log, which may hold what patients' notes say."""
    told = why(pod(ready=False, restarts=3, container={"state": LOOP, "lastState": CRASH}))
    assert told == (
        "kserve-container: CrashLoopBackOff: back-off 10s restarting failed container; ended with exit code 137 (OOMKilled)"
    )


def test_pod_that_is_simply_loading_has_nothing_to_tell():
    """Neither while its containers are made, nor while its probes wait."""
    loading = container(state={"waiting": {"reason": "ContainerCreating"}})
    assert why(pod(ready=False, containerStatuses=[loading])) == ""
    assert why(pod(ready=False)) == ""


def test_missing_image_failed_fetch_and_full_nodes_are_told():
    """Whatever keeps a pod from starting, wherever its status has it."""
    image = container(state={"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x:1"'}})
    assert (
        why(pod(ready=False, containerStatuses=[image])) == 'kserve-container: ImagePullBackOff: Back-off pulling image "x:1"'
    )
    fetch = {"name": "storage-initializer", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    assert why(pod(ready=False, initContainerStatuses=[fetch])).startswith("storage-initializer: ended with exit code 1")
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    assert why(pod(conditions=[full], containerStatuses=[])) == "Unschedulable: 0/1 nodes are available"


def test_digests_are_those_that_servers_were_given():
    """Of all living pods; another one shows."""
    other = pod("two")
    other["spec"]["containers"][0]["env"][0]["value"] = "sha256:other"
    assert processes_of([pod(), other]).digests == {DIGEST, "sha256:other"}


def test_restarts_of_pods_that_left_stay_counted():
    """In the same incarnation; another one begins at 0."""
    memory = RestartMemory()
    assert memory.total("a", [pod("one", restarts=2), pod("two", restarts=1)]) == 3
    assert memory.total("a", [pod("two", restarts=2), pod("three")]) == 4
    assert memory.total("b", [pod("four")]) == 0
    memory.keep(["b"])
    assert memory.total("a", []) == 0


def test_a_download_that_is_tried_again_is_no_restart():
    """The server's processes count; what prepares the pod does not."""
    fetch = {"name": "storage-initializer", "restartCount": 4, "state": {}}
    assert RestartMemory().total("a", [pod(initContainerStatuses=[fetch])]) == 0


def test_addresses_are_of_ready_pods_of_the_version():
    """By the URI that their model was fetched from, at the port that is not gRPC's."""
    two = pod("two", podIP="fd00::2")
    two["spec"]["containers"] += [{"name": "queue-proxy", "ports": [{"containerPort": 8012}]}]
    two["spec"]["containers"][0]["ports"] = [{"name": "grpc", "containerPort": 8081}, {"name": "http1", "containerPort": 8085}]
    others = [pod("three", "v2"), pod("four", ready=False), pod("five", metadata={"deletionTimestamp": LATER})]
    assert addresses_of([pod(), two, *others], "v1") == ["http://10.0.0.1:8080", "http://[fd00::2]:8085"]
    assert addresses_of([pod()], "v3") == []
    assert CREATED < STARTED < LATER
