"""The kubelet: processes in pods that start, get ready, refuse a wrong digest, crash, and end; and the pods' status."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.doubles.kserve.objects import DIGEST, PODS, SOURCE_URI, Mirror, Object, condition, keep_times, name_of, now_text
from tests.doubles.kserve.timing import Timing

Fault = Literal["image-missing", "crash-loop", "never-ready"]
NOT_FOUND = "not-found"
"""The fault of a URI without a known model: the storage initializer fails."""


@dataclass(slots=True)
class Process:
    """The server in a pod. Times are monotonic seconds."""

    name: str
    uri: str
    digest: str
    labels: Mapping[str, str]
    stops_gently: bool
    """Has a preStop hook or a queue proxy: it answers for a while after its deletion."""
    probed: bool
    """Its readiness is asked of the server; without that an open port is enough."""
    since: float
    """When the present phase began."""
    phase: Literal["creating", "running", "waiting"] = "creating"
    loaded: bool = False
    ready: bool = False
    changed: float = 0.0
    """When ``ready`` changed last."""
    restarts: int = 0
    reason: str = ""
    doomed: bool = False
    deleted: float | None = None

    @property
    def version(self) -> str:
        return self.uri.rstrip("/").rpartition("/")[2]

    def enter(self, phase: Literal["creating", "running", "waiting"], now: float, reason: str = "") -> None:
        self.phase, self.since, self.reason = phase, now, reason

    def set_ready(self, ready: bool, now: float) -> None:
        if ready != self.ready:
            self.changed = now
            self.ready = ready

    def is_endpoint(self, now: float, lag: float) -> bool:
        """Whether a gateway that hears of changes ``lag`` seconds later sends calls to it."""
        return self.ready == (now - self.changed >= lag)

    def answers(self, now: float, pod_end: float) -> bool:
        if self.deleted is not None:
            return self.phase == "running" and self.stops_gently and now - self.deleted < pod_end
        return self.ready and self.loaded


@dataclass
class Kubelet:
    """All processes of a namespace. ``digests`` says which model lies under each URI; ``faults`` what else is wrong with it,
    ``rooms`` for how many of its pods there is a node.
    """

    timing: Timing
    digests: Mapping[str, str]
    faults: dict[str, Fault] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def step(self, mirror: Mirror, now: float) -> None:
        """Let processes live on until ``now`` and write down how they are."""
        pods = {name_of(each): each for each in mirror.all(PODS)}
        with self.lock:
            for name in self.processes.keys() - pods.keys():
                del self.processes[name]
            for name, pod in pods.items():
                self._advance(self._process(name, pod, now), pod, now)
        for name, pod in pods.items():
            process = self.processes[name]
            if process.deleted is not None and now - process.deleted >= (self.timing.pod_end if process.stops_gently else 0):
                mirror.delete_pod(name, at_once=True)
            else:
                mirror.put_status(PODS, name, status_of(process, pod))

    def crash(self, name: str) -> None:
        """End a process once; it is started again."""
        with self.lock:
            self.processes[name].doomed = True

    def _process(self, name: str, pod: Object, now: float) -> Process:
        return self.processes.setdefault(name, process_of(pod, now))

    def _advance(self, process: Process, pod: Object, now: float) -> None:
        if "deletionTimestamp" in pod["metadata"] and process.deleted is None:
            process.deleted = now
            process.set_ready(False, now)
        if process.deleted is not None:
            return
        spent = now - process.since
        if process.phase == "creating" and not self._held(process) and spent >= self.timing.pod_start / 2:
            process.enter("running", now)
        elif process.phase == "running":
            self._run(process, spent, now)
        elif process.phase == "waiting" and spent >= self._back_off(process):
            process.restarts += 1
            process.enter("running", now)

    def _held(self, process: Process) -> bool:
        """Whether its container cannot even be started."""
        if process.uri not in self.digests:
            process.reason = NOT_FOUND
        elif self.faults.get(process.uri) == "image-missing":
            process.reason = "ImagePullBackOff"
        return bool(process.reason) or not self._has_room(process)

    def _has_room(self, process: Process) -> bool:
        started = (each for each in self.processes.values() if each.phase != "creating" and each.deleted is None)
        return sum(each.uri == process.uri for each in started) < self.rooms.get(process.uri, len(self.processes) + 1)

    def _run(self, process: Process, spent: float, now: float) -> None:
        fault = self.faults.get(process.uri)
        refuses = self.digests.get(process.uri) != process.digest
        loops = fault == "crash-loop" and process.ready and now - process.changed >= 2 * self.timing.process_life
        process.loaded = not refuses and fault != "never-ready" and spent >= self.timing.pod_start / 2
        if process.doomed or loops or (refuses and spent >= self.timing.process_life):
            process.doomed = False
            process.set_ready(False, now)
            process.enter("waiting", now, "CrashLoopBackOff")
        elif process.loaded or not process.probed:
            process.set_ready(True, now)

    def _back_off(self, process: Process) -> float:
        return min(self.timing.back_off * 2**process.restarts, self.timing.back_off_limit)


def process_of(pod: Object, now: float) -> Process:
    container, metadata = pod["spec"]["containers"][0], pod["metadata"]
    environment = {each["name"]: each.get("value", "") for each in container.get("env", [])}
    return Process(
        name=name_of(pod),
        uri=metadata.get("annotations", {}).get(SOURCE_URI, ""),
        digest=environment.get(DIGEST, ""),
        labels=metadata["labels"],
        stops_gently="preStop" in container.get("lifecycle", {}) or pod["spec"]["containers"][-1]["name"] == "queue-proxy",
        probed="httpGet" in container.get("readinessProbe", {}),
        since=now,
        changed=now - 3600,
    )


def status_of(process: Process, pod: Object) -> Object:
    """The pod's status as a kubelet writes it; restart counts, waiting reasons and the last exit are in it."""
    old = pod.get("status", {})
    conditions = [
        condition("PodScheduled", True),
        condition("Initialized", process.phase != "creating"),
        condition("ContainersReady", process.ready),
        condition("Ready", process.ready),
    ]
    return {
        **{name: value for name, value in old.items() if name == "qosClass"},
        "phase": "Pending" if process.phase == "creating" else "Running",
        "startTime": old.get("startTime") or now_text(),
        "conditions": keep_times(conditions, old.get("conditions", [])),
        "initContainerStatuses": [_initializer(process)],
        "containerStatuses": [
            _container(process, each, old.get("startTime") or now_text()) for each in pod["spec"]["containers"]
        ],
    }


def _container(process: Process, container: Object, started: str) -> Object:
    is_server = container["name"] == "kserve-container"
    restarts = process.restarts if is_server else 0
    status = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": process.ready,
        "started": process.phase == "running",
        "restartCount": restarts,
        "state": {"running": {"startedAt": started}},
    }
    if process.phase == "creating" or (process.phase == "waiting" and is_server):
        reason = "PodInitializing" if process.reason == NOT_FOUND else process.reason or "ContainerCreating"
        status["state"] = {"waiting": {"reason": reason}}
    if is_server and (restarts or process.phase == "waiting"):
        ended = {"exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": started}
        status["lastState"] = {"terminated": ended}
    return status


def _initializer(process: Process) -> Object:
    fails, done = process.reason == NOT_FOUND, process.phase != "creating"
    state: Object = {"terminated": {"exitCode": 0, "reason": "Completed"}} if done else {"running": {}}
    if fails:
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
    common = {"name": "storage-initializer", "image": "kserve/storage-initializer", "imageID": ""}
    return {**common, "ready": done, "restartCount": int(fails), "state": state}
