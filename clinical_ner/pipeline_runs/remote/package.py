"""What a compiled pipeline file says of itself: name, description, parameters, steps and service account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from clinical_ner.digests import digest_of
from clinical_ner.errors import ConfigError

SERVICE_ACCOUNT_ANNOTATION = "clinical-ner/service-account"
"""KFP keeps the service account with the run, not in the spec; compiling notes it as a pod annotation of every step."""

MAX_PACKAGE_BYTES = 32 * 1024 * 1024
"""What the KFP API accepts in an upload."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a tenth of the time, where libyaml is there


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of the pipeline; ``type`` is KFP's word: STRING, NUMBER_INTEGER, NUMBER_DOUBLE, BOOLEAN, LIST or STRUCT."""

    type: str
    required: bool
    default: object


@dataclass(frozen=True, slots=True)
class Package:
    """A compiled pipeline. ``digest`` is the sha256 of the file in hex; ``steps`` are the tasks that run a container."""

    path: Path
    digest: str
    name: str
    description: str
    parameters: Mapping[str, Parameter]
    steps: frozenset[str]
    service_account: str


def read_package(path: Path) -> Package:
    """Read a file that KFP's compiler wrote.

    Raises:
        ConfigError: there is no such file, or it is something else than a compiled pipeline.
    """
    content = _read(path)
    spec, platform = _documents(path, content)
    root = spec["root"]
    return Package(
        path=path,
        digest=digest_of(content).removeprefix("sha256:"),
        name=spec["pipelineInfo"]["name"],
        description=str(spec["pipelineInfo"].get("description", "")),
        parameters=_parameters(root.get("inputDefinitions", {}).get("parameters", {})),
        steps=frozenset(_steps(spec)),
        service_account=_service_account(path, platform),
    )


def _read(path: Path) -> bytes:
    if path.suffix not in {".yaml", ".yml"}:
        raise ConfigError(f"{path}: a compiled pipeline ends in .yaml; write one by `python -m pipelines compile`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; write it by `python -m pipelines compile`") from error
    if len(content) > MAX_PACKAGE_BYTES:
        raise ConfigError(f"{path} has {len(content)} bytes; the KFP API accepts at most {MAX_PACKAGE_BYTES}")
    return content


def _documents(path: Path, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline spec and the platform spec, the latter empty when the file has none."""
    try:
        documents = [document for document in yaml.load_all(content, Loader=_LOADER) if document]
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML; compile the pipeline again") from error
    if any("kind" in document for document in documents if isinstance(document, dict)):
        raise ConfigError(f"{path} holds Kubernetes objects: apply it by kubectl, or compile without --kubernetes to submit it")
    specs = [document for document in documents if isinstance(document, dict)]
    if not specs or not {"pipelineInfo", "root", "components"} <= specs[0].keys():
        raise ConfigError(f"{path} is not a compiled pipeline; write one by `python -m pipelines compile`")
    return specs[0], specs[1] if len(specs) > 1 else {}


def _parameters(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Parameter]:
    return {
        name: Parameter(
            type=str(definition["parameterType"]),
            required=not definition.get("isOptional", False) and "defaultValue" not in definition,
            default=definition.get("defaultValue"),
        )
        for name, definition in definitions.items()
    }


def _steps(spec: Mapping[str, Any]) -> Iterator[str]:
    """Tasks at any depth whose component runs a container; loops and conditions are left out."""
    components = spec["components"]
    for holder in (spec["root"], *components.values()):
        for name, task in holder.get("dag", {}).get("tasks", {}).items():
            if "executorLabel" in components[task["componentRef"]["name"]]:
                yield name


def _service_account(path: Path, platform: Mapping[str, Any]) -> str:
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    executors = kubernetes.get("deploymentSpec", {}).get("executors", {}).values()
    noted = {
        str(executor.get("podMetadata", {}).get("annotations", {}).get(SERVICE_ACCOUNT_ANNOTATION, ""))
        for executor in executors
    } - {""}
    if len(noted) > 1:
        raise ConfigError(f"{path} names {len(noted)} service accounts ({', '.join(sorted(noted))}); a run has one")
    return next(iter(noted), "")
