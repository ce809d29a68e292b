"""An approved model goes into the registry, and live where that is wanted."""

import structlog

from clinical_ner import model_package
from clinical_ner.errors import ConfigError
from clinical_ner.model_package import ModelFiles
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.rollout.addresses import parse_address
from clinical_ner.rollout.live_pointer import check_no_rollout
from clinical_ner.stages.artifacts import PathLike, read_bytes, read_model
from clinical_ner.storage import Storage, open_storage
from clinical_ner.version_states import State

AUTO, NEVER = "auto", "never"
ACTOR = "training-pipeline"
PASSED = "passed the quality gate"

_log = structlog.get_logger()


def register(
    *,
    model_path: PathLike,
    evaluation_path: PathLike,
    reference_path: PathLike,
    gate_path: PathLike,
    gate_report_path: PathLike,
    model_card_path: PathLike,
    approval_required: bool,
    promote: str,
    rollout_target: str,
    model_name: str,
    registry_uri: str,
) -> str:
    """Store the model with its release files; return the version's URI.

    It stays ``candidate`` under ``approval_required``, else it becomes ``approved``, and ``live`` with ``promote=auto`` and
    no ``rollout_target``: with one only a finished rollout does that. The same model again is the same version.

    Raises:
        ConfigError: ``promote`` is neither ``auto`` nor ``never``, or the target is no service's address.
        RegistryError: it would be live at once, and a rollout is under way; the version is approved.
    """
    check_promotion(promote, rollout_target)
    release = {
        "metrics.json": evaluation_path,
        "reference-profile.json": reference_path,
        "gate.json": gate_path,
        "gate-report.md": gate_report_path,
        "model-card.md": model_card_path,
    }
    files = read_model(model_path)
    files |= {model_package.RELEASE + name: read_bytes(path) for name, path in release.items()}
    registry = Registry(storage := open_storage(registry_uri))
    version = _find(registry, model_name, files) or registry.register(model_name, files, actor=ACTOR, reason=PASSED)
    version = version if approval_required else _approve(registry, version)
    if promote == AUTO and not rollout_target:
        version = _promote(registry, storage, version)
    _log.info("registered", version=version.version, state=version.state, uri=version.uri)
    return version.uri


def check_promotion(promote: str, rollout_target: str) -> None:
    """Refuse a word other than ``auto`` and ``never``, and what is no service's address, by a ConfigError."""
    if promote not in (AUTO, NEVER):
        raise ConfigError(f"promote: {promote!r} is neither {AUTO!r} nor {NEVER!r}")
    if rollout_target:
        parse_address(rollout_target)


def _approve(registry: Registry, version: ModelVersion) -> ModelVersion:
    """A candidate approved; a version in any other state as it is."""
    if version.state is not State.CANDIDATE:
        return version
    return registry.approve(version.name, version.version, actor=ACTOR, reason=PASSED)


def _promote(registry: Registry, storage: Storage, version: ModelVersion) -> ModelVersion:
    """An approved version made live; one in any other state as it is."""
    if version.state is not State.APPROVED:
        return version
    check_no_rollout(storage, version.name)
    return registry.promote(version.name, version.version, actor=ACTOR, reason="promote=auto")


def _find(registry: Registry, model_name: str, files: ModelFiles) -> ModelVersion | None:
    """The newest version that is this very model, to the bit, whatever its release files say."""
    digest = model_package.parse_manifest(files[model_package.MANIFEST]).model_digest
    return next((version for version in reversed(registry.versions(model_name)) if version.digest == digest), None)
