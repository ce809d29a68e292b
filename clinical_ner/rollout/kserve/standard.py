"""KServe in Standard mode: Deployments behind HTTPRoutes, the canary an entry of ``spec.canary`` (KServe after 0.20.0).

Each change is one update of the InferenceService, of all fields that a rollout owns, by an exact reading of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve import predictors
from clinical_ner.rollout.kserve.ownership import read_as_seen, send
from clinical_ner.rollout.kserve.pods import RestartMemory
from clinical_ner.rollout.kserve.resources import (
    DEPLOYMENTS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    PODS,
    SERVICE_LABEL,
    Json,
    is_knative,
    token_of,
    uri_of,
    version_of,
    workload_of,
)
from clinical_ner.rollout.kserve.routes import SETTLE_SECONDS, Settling, living_route, predictor_route_names
from clinical_ner.rollout.kserve.standard_reading import Objects, can_carry, drift, is_whole, observe, workloads
from clinical_ner.rollout.targets import ModelReference, Observation


@dataclass(slots=True)
class StandardTarget:
    """:class:`clinical_ner.rollout.targets.Target` by the InferenceService ``service`` in the namespace of ``api``.

    What it remembers (since when the weights are these, restarts of pods that are gone) is lost with the process. A canary's
    service is unreachable to the next one for its first ``settle_seconds``, so that a hold goes on. ``clock`` counts seconds.
    """

    api: KubernetesApi
    service: str
    model: str
    replicas: int | None = None
    """Pods that each version has from the next rollout on; as many as the service has at least (``minReplicas``) when None."""
    settle_seconds: float = SETTLE_SECONDS
    clock: Callable[[], float] = time.monotonic
    _memory: RestartMemory = field(default_factory=RestartMemory)
    _settling: Settling = field(init=False)

    def __post_init__(self) -> None:
        self._settling = Settling(self.clock, self.settle_seconds)

    def observe(self) -> Observation:
        found = self.api.get(INFERENCE_SERVICES, self.service)
        if found is None:
            return Observation(stable=None, canary=None, percent=None, asked=None, missing=True)
        seen = observe(self._read(found), self._memory, self._settling, token_of(found))
        self._memory.keep(each.incarnation for each in (seen.stable, seen.canary) if each)
        return seen

    def start(self, canary: ModelReference, seen: Observation) -> None:
        """Raises ConfigError, with nothing written, where there is no spec.canary, and for names and URIs that stop KServe."""
        found = read_as_seen(self.api, self.service, seen)
        present = predictors.canary_of(found)
        if present is not None:
            if version_of(uri_of(present)) != canary.version:
                raise TargetChanged(f"InferenceService {self.service} has a canary already: {present.get('name')}")
            return
        if is_knative(found):
            raise ConfigError(f"InferenceService {self.service} is in Knative mode, which knows no spec.canary")
        predictors.check_start(found, canary)
        if predictors.stable_of(found) is None:
            send(self.api, found, predictors.with_first(found, canary, self.replicas))
        elif seen.canary is None:  # the pods of one before are gone
            self._send_canary(found, predictors.with_canary(found, canary, self.replicas))

    def set_percent(self, percent: int, seen: Observation) -> None:
        """Nothing yet while too few of the canary's pods are ready for more; a service's only version carries everything."""
        found = read_as_seen(self.api, self.service, seen)
        canary, asked = predictors.canary_of(found), predictors.asked_of(found)
        if predictors.is_on_trial(found) or asked == percent:
            return
        if canary and percent > (asked or 0) and not can_carry(self._read(found), canary, percent):
            return
        self._send_canary(found, predictors.with_percent(found, percent))

    def promote(self, seen: Observation) -> None:
        """Nothing yet while the canary does not have 100 % and all its pods ready, or anything differs beyond the model."""
        found = read_as_seen(self.api, self.service, seen)
        canary = predictors.canary_of(found)
        if canary is None or seen.percent != 100 or not is_whole(self._read(found), canary):
            return
        if reasons := list(drift(found)):
            raise TargetChanged(f"InferenceService {self.service} cannot be promoted as it is: {'; '.join(reasons)}")
        alone = predictors.is_on_trial(found)
        send(self.api, found, predictors.without_canary(found) if alone else predictors.with_canary_as_stable(found))

    def abort(self, seen: Observation) -> None:
        """Weights to 0 first; the canary goes when they have settled there."""
        found = read_as_seen(self.api, self.service, seen)
        if predictors.is_on_trial(found):
            send(self.api, found, predictors.WITHOUT_MODEL)
        elif predictors.asked_of(found):
            send(self.api, found, predictors.with_percent(found, 0))
        elif predictors.entry_of(found) and seen.percent == 0:
            send(self.api, found, predictors.without_canary(found))

    def _read(self, service: Json) -> Objects:
        return Objects(
            service=service,
            pods=self.api.list(PODS, {SERVICE_LABEL: self.service}),
            deployments={name: self.api.get(DEPLOYMENTS, name) for name in workloads(service)},
            routes=self._routes(workload_of(self.service, service["spec"]["predictor"])),
        )

    def _routes(self, workload: str) -> list[Json | None]:
        """The service's and the predictor's."""
        whole = self.api.get(HTTP_ROUTES, self.service)
        found = [self.api.get(HTTP_ROUTES, name) for name in predictor_route_names(self.service, workload)]
        return [whole, living_route(found, whole)]

    def _send_canary(self, service: Json, spec: Json) -> None:
        try:
            send(self.api, service, spec)
        except ConfigError as error:
            if "canary: field not declared in schema" not in str(error):
                raise
            told = "this cluster's KServe has no spec.canary, by which Standard mode divides traffic"
            raise ConfigError(f"{told}: update it to one after 0.20.0, or use Knative mode") from error
