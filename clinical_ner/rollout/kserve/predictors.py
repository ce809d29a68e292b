"""The fields of an InferenceService in Standard mode that a rollout owns, whole, for each state it takes the service to. Pure.

Every canary pod that is ready makes KServe end one of the stable's, whatever its share: to have N of each, the stable asks for
2 N while there is a canary. What a canary's predictor leaves out it inherits from the stable's, so that model, digest and
number are always its own; what the platform's overlays say of pods is inherited, and so the same before and after a promotion.
"""

import re

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.rollout.kserve.resources import DIGEST_VARIABLE, Json, digest_in, uri_of, workload_of
from clinical_ner.rollout.targets import ModelReference

MAX_NAME = 63
NAME = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?")
SCHEMES = {"abfs", "gs", "hdfs", "hf", "http", "https", "oci", "pvc", "s3", "webhdfs"}
"""Those that KServe fetches a model by; any other stops all its work on the InferenceService without a word."""
ON_TRIAL = {"canaryTrafficPercent": 100}
"""Marks the only version of a service until it is promoted. KServe reads it in Knative mode alone; it is in no pod template."""


def stable_of(service: Json) -> Json | None:
    """The predictor that everything falls back to; None without a model, and while the only version is on trial."""
    predictor: Json = service["spec"]["predictor"]
    return predictor if uri_of(predictor) and not is_on_trial(service) else None


def entry_of(service: Json) -> Json | None:
    """The canary's entry, the first of them."""
    return next(iter(service["spec"].get("canary") or ()), None)


def canary_of(service: Json) -> Json | None:
    """The canary's predictor, or that of the only version while it is on trial."""
    entry = entry_of(service)
    if entry is not None:
        predictor: Json = entry["predictor"]
        return predictor
    return service["spec"]["predictor"] if is_on_trial(service) else None


def is_on_trial(service: Json) -> bool:
    predictor = service["spec"]["predictor"]
    marked = ON_TRIAL.items() <= predictor.items()
    return marked and bool(uri_of(predictor)) and entry_of(service) is None


def asked_of(service: Json) -> int | None:
    """The canary's share by the specification; None without one."""
    entry = entry_of(service)
    return int(entry["trafficPercent"]) if entry else 100 if is_on_trial(service) else None


def replicas_of(service: Json) -> int:
    """N: how many pods a version has by itself."""
    entry, predictor = entry_of(service), service["spec"]["predictor"]
    return max(int((entry["predictor"] if entry else predictor).get("minReplicas", 1)), 1)


def with_canary(service: Json, model: ModelReference, replicas: int | None = None) -> Json:
    """The stable with twice the pods, and the new version beside it at 0 %; ``replicas`` is a new N."""
    stable, count = service["spec"]["predictor"], replicas or replicas_of(service)
    fields = {"name": "", **stable["model"], "storageUri": model.uri, "env": _environment(stable["model"], model.digest)}
    entry = {"trafficPercent": 0, "predictor": {"name": model.version, "minReplicas": count, "model": fields}}
    return {"predictor": _owned(stable, 2 * count), "canary": [entry]}


def with_percent(service: Json, percent: int) -> Json:
    """Another share for the canary, which keeps a pod at least: without one its share has nobody."""
    entry, count = _entry(service), replicas_of(service)
    changed = {**entry, "trafficPercent": percent, "predictor": {**entry["predictor"], "minReplicas": count}}
    return {"predictor": _owned(service["spec"]["predictor"], 2 * count), "canary": [changed]}


def with_canary_as_stable(service: Json) -> Json:
    """The canary's predictor in the stable's place, and its entry gone."""
    return {"predictor": _owned(_entry(service)["predictor"], replicas_of(service))}


def without_canary(service: Json) -> Json:
    """The stable alone, with its own number of pods."""
    return {"predictor": _owned(service["spec"]["predictor"], replicas_of(service))}


def with_first(service: Json, model: ModelReference, replicas: int | None = None) -> Json:
    """The only version of a service that has no model yet, on trial."""
    fields = {"storageUri": model.uri, "env": [{"name": DIGEST_VARIABLE, "value": model.digest}]}
    predictor = {"name": model.version, "model": {**service["spec"]["predictor"].get("model", {}), **fields}}
    return {"predictor": {**_owned(predictor, replicas or replicas_of(service)), **ON_TRIAL}}


WITHOUT_MODEL: Json = {"predictor": {}}
"""Nothing of the rollout's is left: a service as it was before its first version."""


def check_start(service: Json, model: ModelReference) -> None:
    """What KServe would refuse, or would stop at without a word, is told before anything is written.

    Raises:
        ConfigError: the version's name or URI.
    """
    metadata, version = service["metadata"], model.version
    if not NAME.fullmatch(version):
        raise ConfigError(f"version {version!r} cannot name a predictor: lower case letters, digits and '-', a letter first")
    full = f"{workload_of(metadata['name'], {'name': version})}-{metadata['namespace']}"
    if len(full) > MAX_NAME:
        raise ConfigError(f"{full} has {len(full)} characters, and KServe takes {MAX_NAME}: shorten service or namespace")
    if model.uri.partition("://")[0] not in SCHEMES:
        raise ConfigError(f"{model.uri}: KServe fetches no model from there; it knows {', '.join(sorted(SCHEMES))}")
    if stable_of(service) and service["spec"]["predictor"].get("name") == version:
        raise ConfigError(f"the stable predictor is named {version} already, but serves {uri_of(service['spec']['predictor'])}")


def differences(service: Json) -> list[str]:
    """Fields of the model, other than URI and digest, that a canary has as the stable has not: promotion would restart pods.

    What the canary leaves out it inherits; what KServe's webhook fills in of itself is empty.
    """
    entry = entry_of(service)
    if entry is None:
        return []
    canary, stable = (each.get("model", {}) for each in (entry["predictor"], service["spec"]["predictor"]))
    own = (name for name in canary if name not in {"storageUri", "env"} and canary[name] not in ("", {}, [], None))
    fields = [name for name in own if canary[name] != stable.get(name)]
    variables = (each for each in canary.get("env") or () if each["name"] != DIGEST_VARIABLE)
    return sorted(fields) + (["env"] if any(each not in (stable.get("env") or ()) for each in variables) else [])


def _entry(service: Json) -> Json:
    entry = entry_of(service)
    if entry is None:
        raise TargetChanged(f"InferenceService {service['metadata']['name']} has no canary")
    return entry


def _owned(predictor: Json, replicas: int) -> Json:
    name = {"name": predictor["name"]} if predictor.get("name") else {}
    if "model" not in predictor:  # somebody took it away
        return {**name, "minReplicas": replicas}
    model, digest = predictor["model"], digest_in(predictor["model"])
    fields = {name: model[name] for name in ("name", "storageUri") if name in model}
    environment = {"env": [{"name": DIGEST_VARIABLE, "value": digest}]} if digest else {}
    return {**name, "minReplicas": replicas, "model": {**fields, **environment}}


def _environment(model: Json, digest: str) -> list[Json]:
    others = [each for each in model.get("env") or () if each["name"] != DIGEST_VARIABLE]
    return [*others, {"name": DIGEST_VARIABLE, "value": digest}]
