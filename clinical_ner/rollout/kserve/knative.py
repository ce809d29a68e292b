"""A service in KServe's Knative mode as a target: reads its objects, asks the functions beside it, applies what they say."""

from collections.abc import Callable
from dataclasses import dataclass, field

from clinical_ner.errors import TargetChanged
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve import knative_steps
from clinical_ner.rollout.kserve.knative_observing import observe_view
from clinical_ner.rollout.kserve.knative_reading import REVISIONS, ROUTES, Model, View, read_view, revision_names, route_name
from clinical_ner.rollout.kserve.knative_steps import Wish, check_uri, owned_fields
from clinical_ner.rollout.kserve.ownership import read_as_seen, send
from clinical_ner.rollout.kserve.pods import RestartMemory
from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES, PODS, SERVICE_LABEL, Json, token_of
from clinical_ner.rollout.targets import ModelReference, Observation


@dataclass(frozen=True, slots=True)
class KnativeTarget:
    """:class:`clinical_ner.rollout.targets.Target` by the InferenceService ``service`` of the API's namespace.

    Reading needs the rights to get inferenceservices, revisions and routes and to list pods; changing, to patch
    inferenceservices. After an abort the stable is another revision of the same model: Knative's latest revision can only
    be followed by a newer one.
    """

    api: KubernetesApi
    service: str
    model: str
    _memory: RestartMemory = field(default_factory=RestartMemory)

    def observe(self) -> Observation:
        service = self.api.get(INFERENCE_SERVICES, self.service)
        if service is None:
            return Observation(stable=None, canary=None, percent=None, asked=None, missing=True)
        view = self._view(service)
        self._memory.keep(each.uid for each in (view.created, view.ready, view.rolled_out, view.before) if each)
        return observe_view(view, token_of(service), self._memory)

    def start(self, canary: ModelReference, seen: Observation) -> None:
        """Raises ConfigError, with nothing written, for a URI that stops KServe or does not end with the version."""
        check_uri(canary)
        self._change(seen, lambda view: knative_steps.start(view, Model(canary.uri, canary.digest)))

    def set_percent(self, percent: int, seen: Observation) -> None:
        self._change(seen, lambda view: knative_steps.set_percent(view, percent))

    def promote(self, seen: Observation) -> None:
        self._change(seen, knative_steps.promote)

    def abort(self, seen: Observation) -> None:
        self._change(seen, knative_steps.abort)

    def _view(self, service: Json) -> View:
        found = (self.api.get(REVISIONS, name) for name in sorted(revision_names(service)))
        revisions = [each for each in found if each]
        route = self.api.get(ROUTES, route_name(service))
        return read_view(service, revisions, route, self.api.list(PODS, {SERVICE_LABEL: self.service}))

    def _change(self, seen: Observation, step: Callable[[View], Wish | None]) -> None:
        """Apply what ``step`` wants of the service as it is now, if its specification is still the one that was seen."""
        service = read_as_seen(self.api, self.service, seen)
        view = self._view(service)
        if view.lost:
            raise TargetChanged(f"InferenceService {self.service}: revision {view.lost} is gone")
        wish = step(view)
        if wish is not None:
            send(self.api, service, owned_fields(wish))
