"""What the objects of an InferenceService in Standard mode show. Pure, but for the memories that are passed in."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clinical_ner.errors import TargetUnreachable
from clinical_ner.rollout.kserve import predictors
from clinical_ner.rollout.kserve.ownership import taken_over
from clinical_ner.rollout.kserve.pods import Processes, RestartMemory, is_living, processes_of, source_of
from clinical_ner.rollout.kserve.resources import (
    DIGEST_VARIABLE,
    Json,
    conditions_of,
    digest_in,
    is_knative,
    is_stopped,
    told,
    uri_of,
    version_of,
    workload_of,
)
from clinical_ner.rollout.kserve.routes import Settling, Shares, shares_of
from clinical_ner.rollout.targets import Backend, Observation

_DIGEST_PATH = f'predictor.model.env.k:{{"name":"{DIGEST_VARIABLE}"}}.value'


@dataclass(frozen=True, slots=True)
class Objects:
    """Read one after the other, the InferenceService first, and pods before what they belong to.

    ``deployments`` are those that the specification stands for; of them and of routes None is one that is not there.
    """

    service: Json
    deployments: Mapping[str, Json | None]
    routes: Sequence[Json | None]
    pods: Sequence[Json]

    def workload(self, predictor: Json) -> str:
        return workload_of(self.service["metadata"]["name"], predictor)

    def pods_of(self, workload: str) -> list[Json]:
        """Those that its Deployment selects; older ones are of a Deployment of that name before it."""
        deployment = self.deployments.get(workload)
        if deployment is None:
            return []
        labels = deployment["spec"]["selector"]["matchLabels"].items()
        since = deployment["metadata"]["creationTimestamp"]
        own = (each for each in self.pods if labels <= (each["metadata"].get("labels") or {}).items())
        return [each for each in own if each["metadata"]["creationTimestamp"] >= since]

    def processes(self, predictor: Json) -> Processes:
        return processes_of(self.pods_of(self.workload(predictor)))

    @property
    def strangers(self) -> list[Json]:
        """Living pods of the service that no predictor of its specification stands for: on their way out, or about to be."""
        wanted = [each["spec"]["selector"]["matchLabels"] for each in self.deployments.values() if each]
        wanted += [{"app": f"isvc.{name}"} for name in self.deployments]  # for one that KServe is about to make again
        return [
            pod
            for pod in self.pods
            if is_living(pod) and not any(each.items() <= (pod["metadata"].get("labels") or {}).items() for each in wanted)
        ]


def observe(objects: Objects, memory: RestartMemory, settling: Settling, token: str) -> Observation:
    """Raises TargetUnreachable while the share of a canary that was there before ``settling`` began is not known to last."""
    service = objects.service
    stable, canary = predictors.stable_of(service), predictors.canary_of(service)
    shares = shares_of(objects.routes)
    percent = _percent(objects, settling.settled(shares, divided=canary is not None))
    if canary and percent is None and settling.is_new and _percent(objects, shares) is not None:
        raise TargetUnreachable(f"the routes' weights are known once they were watched for {settling.seconds:g} seconds")
    return Observation(
        stable=_backend(objects, stable, memory) if stable else None,
        canary=_backend(objects, canary, memory) if canary else _leaving(objects),
        percent=percent,
        asked=predictors.asked_of(service),
        token=token,
        drift=tuple(drift(service)),
        notes=tuple(notes(objects)),
    )


def workloads(service: Json) -> list[str]:
    """The Deployments that its specification stands for."""
    found = [service["spec"]["predictor"], predictors.canary_of(service) or {}]
    return sorted({workload_of(service["metadata"]["name"], each) for each in found if each})


def incarnation_of(deployment: Json) -> str:
    """Changes when the Deployment is made anew, and when its template changes, which replaces all pods; not by its size."""
    template = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return f"{deployment['metadata']['uid']}-{hashlib.sha256(template.encode()).hexdigest()[:12]}"


def is_whole(objects: Objects, predictor: Json) -> bool:
    """Whether the version has all its pods, ready, of its present template."""
    deployment, wanted = objects.deployments.get(objects.workload(predictor)), predictors.replicas_of(objects.service)
    if deployment is None:
        return False
    status, size = deployment.get("status", {}), max(int(deployment["spec"].get("replicas", 1)), wanted)
    current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return current and status.get("updatedReplicas", 0) >= size and objects.processes(predictor).ready >= size


def can_carry(objects: Objects, predictor: Json, percent: int) -> bool:
    """Whether as many of the version's pods are ready as ``percent`` of all: KServe gives any share to a single one."""
    needed = math.ceil(predictors.replicas_of(objects.service) * percent / 100)
    return objects.processes(predictor).ready >= needed


def drift(service: Json) -> Iterator[str]:
    """What no rollout does, a sentence each."""
    if is_stopped(service):
        yield "it is stopped (annotation serving.kserve.io/stop)"
    if is_knative(service):
        yield "it is in Knative mode, which knows no spec.canary"
    predictor, entry = service["spec"]["predictor"], predictors.entry_of(service)
    if predictor.get("canaryTrafficPercent") is not None and not predictors.is_on_trial(service):
        yield f"canaryTrafficPercent is {predictor['canaryTrafficPercent']}, which Standard mode does not know"
    if len(service["spec"].get("canary") or ()) > 1:
        yield f"it has {len(service['spec']['canary'])} canaries"
    if entry and entry["predictor"].get("name") != version_of(uri_of(entry["predictor"])):
        yield f"the canary named {entry['predictor'].get('name')} serves {uri_of(entry['predictor']) or 'no model of its own'}"
    if fields := predictors.differences(service):
        yield f"canary and stable differ in {', '.join(fields)} of their model"
    yield from (f"{path} was changed by {who}" for path, who in taken_over(service, _paths(service)))


def _paths(service: Json) -> list[str]:
    """Fields that are a rollout's while one is under way; a service at rest is anybody's to change."""
    if predictors.canary_of(service) is None:
        return []
    predictor = service["spec"]["predictor"]
    return [
        "predictor.model.storageUri",
        "predictor.minReplicas",
        *(["predictor.name"] if predictor.get("name") else []),
        *([_DIGEST_PATH] if digest_in(predictor.get("model", {})) else []),
        *(["canary"] if predictors.entry_of(service) else []),
    ]


def notes(objects: Objects) -> Iterator[str]:
    """What KServe says is wrong, and of pods beyond those that are enough to be ready."""
    for name, each in conditions_of(objects.service).items():
        if each["status"] == "False" and name != "Stopped" and told(each):
            yield f"{name}: {told(each)}"
    for predictor in filter(None, (predictors.stable_of(objects.service), predictors.canary_of(objects.service))):
        found = objects.processes(predictor)
        if found.ready < found.count:
            yield f"{objects.workload(predictor)}: {found.ready} of {found.count} pods are ready; {found.reason or 'loading'}"


def _backend(objects: Objects, predictor: Json, memory: RestartMemory) -> Backend:
    name, digest = objects.workload(predictor), digest_in(predictor.get("model", {}))
    deployment, pods = objects.deployments.get(name), objects.pods_of(name)
    processes, incarnation = processes_of(pods), incarnation_of(deployment) if deployment else ""
    restarts = memory.total(incarnation, pods)
    return Backend(
        version=version_of(uri_of(predictor)) or str(predictor.get("name", "")),
        digest=min(processes.digests - {digest}, default=digest),
        ready=processes.fit,
        some_ready=processes.ready > 0,
        restarts=restarts,
        incarnation=incarnation,
        reason="" if processes.fit and not restarts else processes.reason or _why_no_pods(deployment, processes),
    )


def _why_no_pods(deployment: Json | None, processes: Processes) -> str:
    if deployment is None:
        return "KServe has made no Deployment yet"
    found = conditions_of(deployment)
    failures = [found.get("ReplicaFailure", {}), found.get("Progressing", {})]
    wrong = [each for each, bad in zip(failures, ("True", "False"), strict=True) if each.get("status") == bad]
    return told(wrong[0]) if wrong else f"{processes.ready} of {processes.count} pods are ready" if not processes.fit else ""


def _leaving(objects: Objects) -> Backend | None:
    """A version whose entry is gone and whose pods are not, yet."""
    strangers = objects.strangers
    if not strangers:
        return None
    uris = sorted(filter(None, map(source_of, strangers)))
    processes = processes_of(strangers)
    return Backend(version_of(uris[0]) if uris else "", min(processes.digests, default=""), reason="its pods are being ended")


def _percent(objects: Objects, shares: Shares | None) -> int | None:
    """The canary's share as the routes have it; None where they do not have what was asked for."""
    service = objects.service
    if shares is None:
        return None
    canary, asked = predictors.canary_of(service), predictors.asked_of(service)
    if canary is None:
        return 0 if shares.keys() <= {objects.workload(service["spec"]["predictor"])} else None
    share = shares.get(objects.workload(canary), 0)
    return share if share == asked else None
