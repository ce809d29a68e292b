"""A rollout's fields of an InferenceService: sent whole and by an exact reading, and who else has written them.

What a manager once sent and leaves out later is removed by the API server
(https://kubernetes.io/docs/reference/using-api/server-side-apply/), hence always all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from clinical_ner.errors import Conflict, NotFound, TargetChanged
from clinical_ner.kubernetes_api import MANAGER, KubernetesApi
from clinical_ner.rollout.kserve.resources import INFERENCE_SERVICES, Json, token_of
from clinical_ner.rollout.targets import Observation

_ATTEMPTS = 5
_SHARES = ("canary", "predictor.canaryTrafficPercent")
"""Where the split stands, in Standard and in Knative mode."""


def read_as_seen(api: KubernetesApi, service: str, seen: Observation) -> Json:
    """The InferenceService as it is now, which is as it was observed.

    Raises:
        TargetChanged: it is another by now, or gone.
    """
    found = api.get(INFERENCE_SERVICES, service)
    if found is None or token_of(found) != seen.token:
        raise TargetChanged(f"InferenceService {service} is no longer as it was observed")
    return found


def send(api: KubernetesApi, service: Json, spec: Json) -> None:
    """Own exactly these fields of ``service``, which must still ask for what was read; one that is gone is not made anew.

    A status that KServe writes in between, as it does all the time while pods come and go, is no change. A split that is to go
    goes, whoever else wrote it.

    Raises:
        TargetChanged: it is another by now, or gone.
        ConfigError: the cluster refuses it as invalid.
    """
    found: Json | None = service
    for _ in range(_ATTEMPTS):
        if found is None or token_of(found) != token_of(service):
            break
        metadata = {name: found["metadata"][name] for name in ("name", "uid", "resourceVersion")}
        with suppress(Conflict, NotFound):
            if stuck := _kept_by_others(found, spec):
                api.patch(INFERENCE_SERVICES, metadata["name"], list(_in_spite_of_them(found, spec, stuck)))
            else:
                api.apply(INFERENCE_SERVICES, {"metadata": metadata, "spec": spec})
            return
        found = api.get(INFERENCE_SERVICES, metadata["name"])
    raise TargetChanged(f"InferenceService {service['metadata']['name']} changed while it was written")


def _kept_by_others(service: Json, spec: Json) -> list[str]:
    """Splits that would stay if ``spec``, which leaves them out, was applied: what others own too, applying does not remove."""
    left_out = (path for path in _SHARES if _value(service["spec"], path) is not None and _value(spec, path) is None)
    return [path for path in left_out if set(writers_of(service, path)) != {MANAGER}]


def _in_spite_of_them(service: Json, spec: Json, paths: Sequence[str]) -> Iterator[Json]:
    """One update by JSON Patch, which asks no owner: those of ``paths`` go, and what ``spec`` has is so."""
    yield {"op": "test", "path": "/metadata/resourceVersion", "value": service["metadata"]["resourceVersion"]}
    yield from ({"op": "remove", "path": f"/spec/{path.replace('.', '/')}"} for path in paths)
    yield from _additions("/spec", service["spec"], spec)


def _additions(path: str, found: Json, wanted: Json) -> Iterator[Json]:
    """Field by field; the environment by name, since variables of others stay."""
    for name, value in wanted.items():
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            yield from _additions(f"{path}/{name}", found[name], value)
        else:
            items = [*(found.get(name) or ()), *value] if name == "env" else ()
            merged = list({each["name"]: each for each in items}.values())
            yield {"op": "add", "path": f"{path}/{name}", "value": merged or value}


def _value(spec: Json, path: str) -> Any:
    found: Any = spec
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def taken_over(service: Json, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each of ``paths`` that the rollout's manager does not own any more, and who wrote it last.

    A path is one of the specification, ``predictor.model.storageUri``; items of lists go by their key, ``env.k:{"name":"A"}``.
    Nothing when that manager has never applied anything.
    """
    entries = service["metadata"].get("managedFields") or ()
    ours = [each for each in entries if each["manager"] == MANAGER and each["operation"] == "Apply"]
    for path in paths:
        if ours and not any(_owns(each, path) for each in ours):
            yield path, (writers_of(service, path) or ["nobody"])[-1]


def writers_of(service: Json, path: str) -> list[str]:
    """The managers that own a field of the specification (``predictor.model.env``), who wrote last at the end."""
    entries = service["metadata"].get("managedFields") or ()
    found = sorted((each for each in entries if _owns(each, path)), key=lambda each: str(each.get("time", "")))
    return [str(each["manager"]) for each in found]


def _owns(entry: Mapping[str, Any], path: str) -> bool:
    found: Any = entry.get("fieldsV1", {}).get("f:spec", {})
    for name in path.split("."):
        key = name if name.startswith("k:") else f"f:{name}"
        if key not in found:
            return False
        found = found[key]
    return True
