"""What the pods of one version say of its processes: ready, restarted, and why not. Pure, but for a memory of restarts.

Texts are those of Kubernetes itself: names of reasons, and what kubelet and scheduler say of images, volumes and nodes. What a
process printed is never among them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clinical_ner.rollout.kserve.resources import SERVER, SOURCE_URI, Json, conditions_of, digest_in, told

MAX_TEXT = 300
_LOADING = {"ContainerCreating", "PodInitializing"}
_OVER = {"Failed", "Succeeded"}


@dataclass(frozen=True, slots=True)
class Processes:
    """The living pods of one version. ``count`` of them exist, ``ready`` are ready."""

    count: int
    ready: int
    lost: int
    """Not ready, and were once, or ended at least once."""
    digests: frozenset[str]
    reason: str
    """Why those that are not ready are not, or else why one was restarted; empty when there is nothing to tell."""

    @property
    def fit(self) -> bool:
        """As :class:`clinical_ner.rollout.targets.Backend` wants it: one answers, and none that was ready is not."""
        return self.ready > 0 and not self.lost


def processes_of(pods: Sequence[Json]) -> Processes:
    living = [each for each in pods if is_living(each)]
    unready = [each for each in living if not is_ready(each)]
    return Processes(
        count=len(living),
        ready=len(living) - len(unready),
        lost=sum(map(_was_lost, unready)),
        digests=frozenset(digest for each in living for digest in [digest_of(each)] if digest),
        reason=next(filter(None, map(why, [*unready, *living])), ""),
    )


def is_living(pod: Json) -> bool:
    """Neither on its way out nor over (evicted)."""
    return "deletionTimestamp" not in pod["metadata"] and pod.get("status", {}).get("phase") not in _OVER


def is_ready(pod: Json) -> bool:
    return is_living(pod) and conditions_of(pod).get("Ready", {}).get("status") == "True"


def restarts_of(pod: Json) -> int:
    """Of its containers; those that only prepare it (a download tried again) do not count."""
    return sum(int(each.get("restartCount", 0)) for each in _containers(pod))


def digest_of(pod: Json) -> str:
    """The digest that its server was given; empty without."""
    found = (digest_in(each) for each in pod["spec"]["containers"] if each["name"] == SERVER)
    return next(found, "")


def source_of(pod: Json) -> str:
    """The URI that its model was fetched from; empty when it says none."""
    return str((pod["metadata"].get("annotations") or {}).get(SOURCE_URI, ""))


def why(pod: Json) -> str:
    """Why it is not ready or was restarted, in words; empty when it is simply loading, or well."""
    statuses = [*(pod.get("status", {}).get("initContainerStatuses") or ()), *_containers(pod)]
    scheduled = conditions_of(pod).get("PodScheduled", {})
    unscheduled = [told(scheduled)] if scheduled.get("status") == "False" else []
    return next(filter(None, (*unscheduled, *map(_why_container, statuses))), "")[:MAX_TEXT]


def _why_container(status: Json) -> str:
    """Waiting for something that will not come by itself, or ended; with how it ended last."""
    waiting = status.get("state", {}).get("waiting") or {}
    if waiting.get("reason") in _LOADING:
        waiting = {}
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
    parts = [told(waiting)] if waiting else []
    if ended and ended.get("exitCode", 0) != 0:
        # Its message may be the end of its log (terminationMessagePolicy), which is nobody's to repeat.
        parts.append(f"ended with exit code {ended['exitCode']} ({ended.get('reason') or 'no reason given'})")
    return f"{status['name']}: {'; '.join(parts)}" if parts else ""


def _was_lost(pod: Json) -> bool:
    """By its status alone: a pod that is not ready yet has never changed its readiness since its container runs."""
    if restarts_of(pod) or any(status.get("lastState", {}).get("terminated") for status in _containers(pod)):
        return True
    changed = str(conditions_of(pod).get("Ready", {}).get("lastTransitionTime") or "")
    started = [str(each.get("state", {}).get("running", {}).get("startedAt") or "") for each in _containers(pod)]
    return bool(started) and all(started) and changed > max(started)  # RFC 3339 in UTC sorts by time


def _containers(pod: Json) -> Iterator[Json]:
    yield from pod.get("status", {}).get("containerStatuses") or ()


@dataclass(slots=True)
class RestartMemory:
    """Restarts by incarnation and pod, so that those of pods that left do not leave the sum."""

    _counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def total(self, incarnation: str, pods: Iterable[Json]) -> int:
        """All restarts seen so far of this incarnation; without memory those of its present pods."""
        counts = self._counts.setdefault(incarnation, {})
        for pod in filter(is_living, pods):
            uid = pod["metadata"]["uid"]
            counts[uid] = max(restarts_of(pod), counts.get(uid, 0))
        return sum(counts.values())

    def keep(self, incarnations: Iterable[str]) -> None:
        """Forget all others."""
        kept = set(incarnations)
        self._counts = {name: counts for name, counts in self._counts.items() if name in kept}
