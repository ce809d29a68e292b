"""What a compiled file says of itself."""

import hashlib
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.pipeline_runs.remote import package
from clinical_ner.pipeline_runs.remote.package import read_package
from pipelines.compilation import compile_pipeline
from pipelines.platform import Platform


def test_package_reads_what_the_compiler_wrote(package_path: Path) -> None:
    """Name, guide, parameters with types and defaults, steps at any depth and the service account come from the file."""
    found = read_package(package_path)
    assert found.name == "clinical-ner-training"
    assert found.digest == hashlib.sha256(package_path.read_bytes()).hexdigest()
    assert "| `corpus_uri` | str |" in found.description
    assert found.parameters["tuning_workers"].type == "NUMBER_INTEGER"
    assert found.parameters["tuning_workers"].default == 1
    assert not found.parameters["tuning_workers"].required
    assert found.service_account == "trainer"
    assert {"ingest", "tune-worker", "quality-gate", "register"} <= found.steps
    assert not any(step.startswith(("condition", "for-loop")) for step in found.steps)


def test_package_without_account_has_none(changed_package_path: Path) -> None:
    """Without ``compile --service-account`` the server's own default is used."""
    assert read_package(changed_package_path).service_account == ""


def test_package_of_kubernetes_objects_is_refused(tmp_path: Path) -> None:
    """What ``compile --kubernetes`` wrote is applied by kubectl, not submitted."""
    path = tmp_path / "objects.yaml"
    compile_pipeline(path, Platform(), kubernetes=True)
    with pytest.raises(ConfigError, match=r"objects\.yaml holds Kubernetes objects: apply it by kubectl"):
        read_package(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.yaml", None, "No such file.*pipelines compile"),
        ("pipeline.json", b"{}", r"ends in \.yaml"),
        ("broken.yaml", b"a: [", "is not YAML"),
        ("empty.yaml", b"", "is not a compiled pipeline"),
        ("list.yaml", b"- 1", "is not a compiled pipeline"),
    ],
)
def test_package_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    """A file that is no compiled pipeline is named, with what to do."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        read_package(tmp_path / name)


def test_package_above_the_upload_limit_is_refused(package_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the API would not take is refused with its size and the limit."""
    monkeypatch.setattr(package, "MAX_PACKAGE_BYTES", 1000)
    with pytest.raises(ConfigError, match="accepts at most 1000"):
        read_package(package_path)
