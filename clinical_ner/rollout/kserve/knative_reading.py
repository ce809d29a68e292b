"""What an InferenceService in Knative mode, its revisions, its route and its pods say. Pure.

"Latest" means latest *ready* in KServe and Knative: before a new revision is ready, the status already shows the asked split,
with the old revision in both places. So every share here is one of a revision by its name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clinical_ner.kubernetes_api import MANAGER, Resource
from clinical_ner.rollout.kserve.ownership import writers_of
from clinical_ner.rollout.kserve.resources import (
    SOURCE_URI,
    Json,
    conditions_of,
    digest_in,
    is_stopped,
    told,
    uri_of,
    version_of,
)

REVISIONS = Resource("serving.knative.dev/v1", "Revision", "revisions")
ROUTES = Resource("serving.knative.dev/v1", "Route", "routes")
REVISION_LABEL = "serving.knative.dev/revision"
_NAMES = ("latestCreatedRevision", "latestReadyRevision", "latestRolledoutRevision", "previousRolledoutRevision")


class Model(NamedTuple):
    """What a predictor loads; ``uri`` is empty when it loads nothing."""

    uri: str
    digest: str = ""

    @property
    def version(self) -> str:
        return version_of(self.uri)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, which never changes, with its pods."""

    name: str
    uid: str
    model: Model
    passed: bool
    """Knative has seen it ready; that stays so when its processes crash later."""
    idle: bool
    """It was scaled to zero for want of traffic: the next call is held until a pod has started."""
    message: str
    """Why Knative does not call it ready."""
    pods: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All of it at one moment; revisions that the status does not name, or that are gone, are None."""

    asked: int | None
    """``canaryTrafficPercent``."""
    wanted: Model
    """In the specification."""
    ours: bool
    """This library was the last to write the wanted URI."""
    created: Revision | None
    ready: Revision | None
    rolled_out: Revision | None
    """By KServe's status the last that carried 100 %: where KServe sends what the latest does not get."""
    before: Revision | None
    """The one before that."""
    shares: Mapping[str, int] | None
    """Percent by revision, as route and status agree that the gateway divides calls; None while they do not."""
    refused: str = ""
    """Why Knative refuses the specification."""
    lost: str = ""
    """A revision that KServe's status relies on and that is gone, as when the Knative service was deleted."""
    stopped: bool = False

    @property
    def settled(self) -> bool:
        """The latest revision is the latest that is ready: "latest" in the split means that one."""
        return self.created is not None and self.created == self.ready


def revision_names(service: Json) -> set[str]:
    """Those that the InferenceService's status speaks of."""
    component = _component(service)
    return {component[name] for name in _NAMES if component.get(name)}


def route_name(service: Json) -> str:
    """Of the Knative route that carries the predictor's traffic."""
    return f"{service['metadata']['name']}-predictor"


def read_view(service: Json, revisions: Iterable[Json], route: Json | None, pods: Sequence[Json]) -> View:
    """The view of objects that were read one after the other, the InferenceService first."""
    component, predictor = _component(service), service["spec"]["predictor"]
    known = {each["metadata"]["name"]: read_revision(each, pods) for each in revisions}
    created, ready, rolled_out, before = (known.get(component.get(name, "")) for name in _NAMES)
    failed = conditions_of(service).get("PredictorReady", {})
    relied_on = (component.get(name, "") for name in ("latestReadyRevision", "latestRolledoutRevision"))
    return View(
        asked=predictor.get("canaryTrafficPercent"),
        wanted=Model(uri_of(predictor), digest_in(predictor.get("model", {}))),
        ours=MANAGER in writers_of(service, "predictor.model.storageUri"),
        created=created,
        ready=ready,
        rolled_out=rolled_out,
        before=before,
        shares=_shares(service, route),
        refused=told(failed) if failed.get("reason") == "ReconcileFailed" else "",
        lost=next((name for name in relied_on if name and name not in known), ""),
        stopped=is_stopped(service),
    )


def read_revision(found: Json, pods: Sequence[Json]) -> Revision:
    metadata, conditions = found["metadata"], conditions_of(found)
    digests = (digest_in(each) for each in found["spec"]["containers"])
    active, passed = conditions.get("Active", {}), _is_true(conditions, "Ready")
    return Revision(
        name=metadata["name"],
        uid=metadata["uid"],
        model=Model(str(metadata.get("annotations", {}).get(SOURCE_URI, "")), next(filter(None, digests), "")),
        passed=passed,
        idle=active.get("status") == "False" and active.get("reason") == "NoTraffic",
        message="" if passed else told(conditions.get("Ready", {})),
        pods=tuple(each for each in pods if each["metadata"].get("labels", {}).get(REVISION_LABEL) == metadata["name"]),
    )


def _component(service: Json) -> Json:
    component: Json = service.get("status", {}).get("components", {}).get("predictor", {})
    return component


def _is_true(conditions: Mapping[str, Json], kind: str) -> bool:
    return bool(conditions.get(kind, {}).get("status") == "True")


def _shares(service: Json, route: Json | None) -> dict[str, int] | None:
    """The status alone goes on telling of a Knative service that was deleted; the route alone may be ahead of the status."""
    if route is None or not _is_true(conditions_of(service), "PredictorRouteReady"):
        return None
    status = route.get("status", {})
    current = status.get("observedGeneration") == route["metadata"].get("generation")
    if not current or not _is_true(conditions_of(route), "Ready"):
        return None
    asked, carried = _sum(_component(service).get("traffic", ())), _sum(status.get("traffic", ()))
    return carried if asked == carried else None


def _sum(traffic: Iterable[Json]) -> dict[str, int]:
    """Percent by revision; what is both the latest and the previous has both."""
    shares: dict[str, int] = {}
    for each in traffic:
        name, percent = each.get("revisionName", ""), int(each.get("percent") or 0)
        if percent:
            shares[name] = shares.get(name, 0) + percent
    return shares
