"""A stored model version as files below ``models/<name>/<version>/``: reading, comparing with what was registered, removing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from clinical_ner.digests import digest_of
from clinical_ner.errors import ConfigError, ModelFormatError
from clinical_ner.model_package import MANIFEST, RELEASE, Manifest, ModelFiles, parse_manifest
from clinical_ner.registration import REGISTRATION, Registration, number_of, read_registration
from clinical_ner.storage import Storage
from clinical_ner.version_states import State

METRICS = RELEASE + "metrics.json"
_MODELS = "models"
# KServe makes host names of it: https://www.rfc-editor.org/rfc/rfc1123 labels.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A complete version; ``uri`` is its folder, ``metrics`` what its ``release/metrics.json`` holds (empty without one)."""

    name: str
    version: str
    digest: str
    state: State
    created_at: datetime
    uri: str
    manifest: Manifest
    metrics: Mapping[str, Any]

    def metric(self, path: str) -> float | None:
        """The number at a path such as ``strict.per_label.DISEASE.f1``; None where there is none."""
        value: Any = self.metrics
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def check_name(name: str) -> str:
    """Return a model's name.

    Raises:
        ConfigError: it is unfit for host names.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"model name {name!r}: lower-case letters, digits and inner dashes are expected, 63 at most, a letter first"
        )
    return name


def model_folder(name: str, version: str = "") -> str:
    """The key of a model's folder, or of one of its versions'; raises as :func:`check_name`."""
    return "/".join(filter(None, (_MODELS, check_name(name), version)))


def complete_versions(storage: Storage, name: str) -> list[str]:
    """The versions of a model that have a manifest, in order of their numbers; nothing in them is read."""
    folder = f"{model_folder(name)}/"
    paths = (key.removeprefix(folder).partition("/") for key in storage.list(folder))
    return sorted({version for version, _, path in paths if path == MANIFEST and number_of(version)}, key=number_of)


def read_model_version(storage: Storage, name: str, version: str, state: State) -> ModelVersion:
    """A complete version without its payload.

    Raises:
        NotFound: it is not complete.
        ModelFormatError: its manifest, registration or metrics are damaged.
    """
    folder = model_folder(name, version)
    data = storage.read(f"{folder}/{MANIFEST}")
    try:
        manifest = parse_manifest(data)
    except ModelFormatError as error:
        raise ModelFormatError(f"{folder}/{error}") from error
    metrics_key = f"{folder}/{METRICS}"
    return ModelVersion(
        name=name,
        version=version,
        digest=manifest.model_digest,
        state=state,
        created_at=read_registration(storage, folder).time,
        uri=storage.uri(folder),
        manifest=manifest,
        metrics=parse_metrics(storage.read(metrics_key), key=metrics_key) if storage.exists(metrics_key) else {},
    )


def parse_metrics(data: bytes, *, key: str = METRICS) -> dict[str, Any]:
    """Nested metrics.

    Raises:
        ModelFormatError: ``data`` is not a JSON object; the message names ``key``.
    """
    try:
        metrics = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ModelFormatError(f"{key}: not JSON") from error
    if not isinstance(metrics, dict):
        raise ModelFormatError(f"{key}: not a JSON object")
    return metrics


def read_files(storage: Storage, folder: str) -> dict[str, bytes]:
    """All files below a version's folder by their path in it, unverified."""
    return {key.removeprefix(f"{folder}/"): storage.read(key) for key in storage.list(f"{folder}/")}


def find_damage(files: ModelFiles, registration: Registration) -> list[str]:
    """What befell a version's files since they were registered, a line each that begins with the path; empty when nothing."""
    present, registered = set(files) - {REGISTRATION}, set(registration.files)
    changed = [path for path in sorted(present & registered) if digest_of(files[path]) != registration.files[path]]
    return [
        *(f"{path}: missing" for path in sorted(registered - present)),
        *(f"{path}: damaged: its sha256 is not the one that was registered" for path in changed),
        *(f"{path}: not among the files that were registered" for path in sorted(present - registered)),
    ]


def delete_files(storage: Storage, folder: str) -> None:
    """Remove a version's files, the manifest first: what a reader of the folder still sees is then no model any more."""
    manifest = f"{folder}/{MANIFEST}"
    for key in sorted(storage.list(f"{folder}/"), key=lambda key: (key != manifest, key)):
        storage.delete(key)
