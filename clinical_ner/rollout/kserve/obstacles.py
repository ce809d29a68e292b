"""Why rollouts of a service cannot be carried out, or would fail calls. Pure; every line of it failed calls when it was tried.

What is unknown is no obstacle.
"""

from collections.abc import Callable, Iterator

from clinical_ner.kubernetes_api import MANAGER
from clinical_ner.rollout.kserve.discovery import Discovered
from clinical_ner.rollout.kserve.ownership import writers_of
from clinical_ner.rollout.kserve.predictors import MAX_NAME
from clinical_ner.rollout.kserve.resources import MODE, Json, is_stopped
from clinical_ner.rollout.kserve.rights import Mode, Part

AUTOSCALER = "serving.kserve.io/autoscalerClass"
_LONGEST_VERSION = "v999"


def find_obstacles(found: Discovered, part: Part = "controller") -> list[str]:
    """A sentence each, with what to do; empty when rollouts can be carried out (or, by a person, asked for)."""
    if not found.kserve:
        return ["the cluster does not know InferenceServices: KServe is not installed"]
    if found.service is None:
        return [f"there is no InferenceService {found.name} in namespace {found.namespace}: apply the platform's overlay first"]
    service = found.service
    checks = (_everywhere, *_BY_MODE[found.mode], _ownership, _pods)
    return [*(sentence for check in checks for sentence in check(found, service)), *_missing(found, part)]


def _everywhere(found: Discovered, service: Json) -> Iterator[str]:
    if not found.rollouts:
        yield "the cluster does not know ModelRollouts: apply manifests/rollout"
    if is_stopped(service):
        yield "the service is stopped (annotation serving.kserve.io/stop): it has no pods"


def _no_mode(found: Discovered, _: Json) -> Iterator[str]:
    yield f"KServe's mode is {found.mode_told}: give the service the annotation {MODE}: Standard, or Knative"


def _standard_mode(found: Discovered, service: Json) -> Iterator[str]:
    if not found.canary_field:
        yield (
            "in Standard mode this KServe cannot divide traffic: its InferenceServices have no spec.canary, which came with "
            "0.20 (what divides traffic by it came later), and canaryTrafficPercent would send everything to the new model; "
            "upgrade KServe, or use Knative mode"
        )
    if not found.gateway_api:
        yield "the cluster has no Gateway API (HTTPRoute), by which KServe divides traffic in Standard mode: install it"
    elif found.gateway_enabled is False:
        yield "KServe does not use the Gateway API: set ingress.enableGatewayApi in its ConfigMap inferenceservice-config"
    elif found.route is False and _is_ready(service):
        yield f"KServe has made no HTTPRoute {found.name}, so that its weights divide nothing: set ingress.enableGatewayApi"
    room = MAX_NAME - len(f"{found.name}--predictor-{found.namespace}")
    if room < len(_LONGEST_VERSION):
        yield (
            f"the names of service and namespace leave {max(room, 0)} of {MAX_NAME} characters for a version's: KServe would "
            f"silently stop all work on the service; shorten them by {len(_LONGEST_VERSION) - room}"
        )


def _standard_fields(_: Discovered, service: Json) -> Iterator[str]:
    predictor = service["spec"]["predictor"]
    if (service["metadata"].get("annotations") or {}).get(AUTOSCALER, "hpa") == "hpa":
        yield f"its autoscaler's class is hpa, which leaves the HPA of each old version behind: annotate it {AUTOSCALER}: none"
    unavailable = predictor.get("deploymentStrategy", {}).get("rollingUpdate", {}).get("maxUnavailable")
    if unavailable != 1:
        yield (
            f"predictor.deploymentStrategy.rollingUpdate.maxUnavailable is {unavailable or 'the default of 25 %'}: with one of "
            "two pods down KServe would move no weights, not even back; set it to 1"
        )
    if "canaryTrafficPercent" in predictor and MANAGER not in writers_of(service, "predictor.canaryTrafficPercent"):
        yield "predictor.canaryTrafficPercent is set, which Standard mode ignores: remove it"


def _knative_mode(_: Discovered, service: Json) -> Iterator[str]:
    if service["spec"].get("canary"):
        yield "spec.canary is set, which Knative mode refuses: remove it"
    yield from _written_by_others(service, "predictor.canaryTrafficPercent")


def _ownership(_: Discovered, service: Json) -> Iterator[str]:
    """A rollout's fields in an overlay undo the rollout whenever the overlay is applied."""
    for path in ("predictor.model.storageUri", "predictor.model.env"):
        yield from _written_by_others(service, path)


def _written_by_others(service: Json, path: str) -> Iterator[str]:
    others = sorted(set(writers_of(service, path)) - {MANAGER})
    if others:
        yield (
            f"{path} belongs to the rollout and was written by {', '.join(others)}: hand it over "
            '(docs/rollout.md, "On a cluster"), or applying that again undoes a rollout'
        )


def _pods(found: Discovered, service: Json) -> Iterator[str]:
    model = service["spec"]["predictor"].get("model", {})
    format_name = model.get("modelFormat", {}).get("name", "")
    if found.runtime is not None:
        formats = [each["name"] for each in found.runtime["spec"].get("supportedModelFormats", ())]
        if format_name not in formats:
            yield (
                f"ServingRuntime {model['runtime']} supports {', '.join(formats) or 'no model format'}, not {format_name}: "
                "KServe would make no pods"
            )
    if found.restricted and found.fetcher_secured is False:
        yield (
            'the namespace enforces Pod Security "restricted", which refuses the storage initializer until its '
            "ClusterStorageContainer has a securityContext: apply manifests/storage/storage-initializer.yaml"
        )


def _missing(found: Discovered, part: Part) -> Iterator[str]:
    missing = found.missing_for(part)
    if missing:
        purpose = {"controller": "carry rollouts out", "person": "ask for rollouts"}[part]
        yield f"{found.user} may not {'; '.join(missing)}, which is needed to {purpose}: bind the Roles of manifests/rbac"


def _is_ready(service: Json) -> bool:
    conditions = service.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


_Check = Callable[[Discovered, Json], Iterator[str]]
_BY_MODE: dict[Mode, tuple[_Check, ...]] = {
    "Standard": (_standard_mode, _standard_fields),
    "Knative": (_knative_mode,),
    "": (_no_mode,),
}
