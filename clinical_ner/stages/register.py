"""An approved model goes into the registry, and live where that is wanted."""

import structlog

from clinical_ner import model_package
from clinical_ner.errors import ConfigError
from clinical_ner.model_package import ModelFiles
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.stages.artifacts import PathLike, read_bytes, read_model
from clinical_ner.storage import open_storage

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
    model_name: str,
    registry_uri: str,
) -> str:
    """Store the model with its release files; return the version's URI.

    It stays ``candidate`` under ``approval_required``, else it becomes ``approved``, and ``live`` with ``promote=auto``.
    Running again with the same model finds the same version.

    Raises:
        ConfigError: ``promote`` is neither ``auto`` nor ``never``.
    """
    if promote not in (AUTO, NEVER):
        raise ConfigError(f"promote: {promote!r} is neither {AUTO!r} nor {NEVER!r}")
    release = {
        "metrics.json": evaluation_path,
        "reference-profile.json": reference_path,
        "gate.json": gate_path,
        "gate-report.md": gate_report_path,
        "model-card.md": model_card_path,
    }
    files = read_model(model_path)
    files |= {model_package.RELEASE + name: read_bytes(path) for name, path in release.items()}
    registry = Registry(open_storage(registry_uri))
    version = _find(registry, model_name, files) or registry.register(model_name, files, actor=ACTOR, reason=PASSED)
    version = _advance(registry, model_name, version, approve=not approval_required, promote=promote == AUTO)
    _log.info("registered", version=version.version, state=version.state, uri=version.uri)
    return version.uri


def _advance(registry: Registry, model_name: str, version: ModelVersion, *, approve: bool, promote: bool) -> ModelVersion:
    """The version in the state that it may have; a further one is left alone."""
    if version.state == "candidate" and approve:
        version = registry.approve(model_name, version.version, actor=ACTOR, reason=PASSED)
    if version.state == "approved" and promote:
        version = registry.promote(model_name, version.version, actor=ACTOR, reason="promote=auto")
    return version


def _find(registry: Registry, model_name: str, files: ModelFiles) -> ModelVersion | None:
    """The newest version that is this very model, to the bit, whatever its release files say."""
    digest = model_package.parse_manifest(files[model_package.MANIFEST]).model_digest
    return next((version for version in reversed(registry.versions(model_name)) if version.digest == digest), None)
