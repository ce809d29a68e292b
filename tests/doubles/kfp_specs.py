"""What the double makes of an uploaded file, its tags, and the parameters of a run."""

import json
from typing import Any

import yaml

from tests.doubles.kfp_filters import ApiError

MAX_UPLOAD_BYTES = 32 * 1024 * 1024
MAX_TAG_CHARACTERS = 63
_ACCEPTED = {"STRING": (str,), "BOOLEAN": (bool,), "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float)}


def read_spec(content: bytes) -> dict[str, Any]:
    if not content:
        raise ApiError(500, "empty file")
    if len(content) > MAX_UPLOAD_BYTES:
        raise ApiError(400, "file too big")
    try:
        spec = next(iter(yaml.load_all(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))))
    except yaml.YAMLError as error:
        raise ApiError(400, "not YAML") from error
    if not isinstance(spec, dict) or "pipelineInfo" not in spec:
        raise ApiError(400, "not a pipeline spec")
    return spec


def read_tags(tags: str) -> dict[str, str] | None:
    found = json.loads(tags) if tags else None
    for key, value in (found or {}).items():
        if "." in key or len(key) > MAX_TAG_CHARACTERS or len(value) > MAX_TAG_CHARACTERS:
            raise ApiError(400, f"tag {key} exceeds {MAX_TAG_CHARACTERS} characters or holds a dot")
    return found


def check_parameters(spec: dict[str, Any], parameters: dict[str, Any]) -> None:
    known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, value in parameters.items():
        if name not in known:
            raise ApiError(400, f"parameter {name} is not in the pipeline")
        accepted = _ACCEPTED[known[name]["parameterType"]]
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            raise ApiError(400, f"parameter {name}: {value} is not a {known[name]['parameterType']}")
    for name, definition in known.items():
        if name not in parameters and "defaultValue" not in definition and not definition.get("isOptional"):
            raise ApiError(400, f"parameter {name} is missing")
