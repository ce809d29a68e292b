"""What KServe's webhook fills in and what it refuses; pure."""

from collections import Counter
from collections.abc import Iterator

from tests.doubles.kserve.objects import Object

MODE = "serving.kserve.io/deploymentMode"
KNATIVE_MODES = {"Knative", "Serverless"}
NOT_IN_A_CANARY = ("maxReplicas", "scaleTarget")


RESOURCES = {"requests": {"cpu": "10m"}}
"""Of KServe's configuration, for a stable model that says nothing of its own."""


def defaults(service: Object) -> list[Object]:
    """The JSON patch (RFC 6902) that fills in what a model has to have, and what KServe's configuration says of the stable."""
    found: list[Object] = []
    for path, predictor in predictors(service):
        wanted = {"name": "", "resources": {} if "canary" in path else RESOURCES}
        model = predictor.get("model", wanted)
        for name, value in wanted.items():
            if not model.get(name) and model.get(name) != value:
                found.append({"op": "add", "path": f"{path}/model/{name}", "value": value})
    if service["spec"].get("predictor", {}).get("automountServiceAccountToken") is None:
        found.append({"op": "add", "path": "/spec/predictor/automountServiceAccountToken", "value": False})
    return found


def predictors(service: Object) -> Iterator[tuple[str, Object]]:
    """All of them with their paths, the stable's first."""
    yield "/spec/predictor", service["spec"].get("predictor", {})
    for number, canary in enumerate(service["spec"].get("canary", [])):
        yield f"/spec/canary/{number}/predictor", canary.get("predictor", {})


def refusal(service: Object) -> str:
    """Why it is refused; empty when it is not."""
    (_, stable), *others = predictors(service)
    canaries = [predictor for _, predictor in others]
    if not canaries:
        return ""
    if service["metadata"].get("annotations", {}).get(MODE) in KNATIVE_MODES:
        return "canary is not supported in Knative mode"
    if sum(each["trafficPercent"] for each in service["spec"]["canary"]) > 100:
        return "the sum of canary trafficPercent exceeds 100"
    names = Counter([stable.get("name", ""), *(each.get("name", "") for each in canaries)])
    if max(names.values()) > 1 or not all(each.get("name") for each in canaries):
        return "canary names must be unique and differ from the predictor's"
    return next(filter(None, (_refused_canary(each, stable) for each in canaries)), "")


def _refused_canary(canary: Object, stable: Object) -> str:
    if not canary.get("model"):
        return f"canary {canary['name']} must have a model"
    for name in NOT_IN_A_CANARY:
        if name in canary:
            return f"canary {canary['name']} must not set {name}"
    if canary.get("minReplicas", 0) > stable.get("minReplicas", 1):
        return f"canary {canary['name']}: minReplicas exceeds the predictor's"
    return ""
