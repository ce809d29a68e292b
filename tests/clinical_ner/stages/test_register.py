"""The register stage: an approved model becomes a version, once."""

import pytest

from clinical_ner.errors import ConfigError, DataError, RegistryError, StorageError
from clinical_ner.registry import Registry
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.stages.artifacts import read_model
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from tests.clinical_ner.rollout.file_world import make_spec
from tests.clinical_ner.stages.stage_runs import NAME, largest_file, run_register


@pytest.fixture
def registry(tmp_path):
    return Registry(open_storage(str(tmp_path / "registry")))


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "live"),
        ({"promote": "never"}, "approved"),
        ({"rollout_target": "local:service"}, "approved"),
        ({"rollout_target": "kserve:ward/ner", "approval_required": True}, "candidate"),
        ({"approval_required": True}, "candidate"),
        ({"approval_required": True, "promote": "never"}, "candidate"),
    ],
)
def test_register_leaves_the_version_in_its_state(finished, registry, tmp_path, changed, state):
    """Live by default; approved with promote=never or a rollout target, whatever promote says; else a candidate."""
    uri = run_register(finished, tmp_path / "registry", **changed)
    (version,) = registry.versions(NAME)
    assert (version.version, version.state, version.uri) == ("v1", state, uri)
    assert (registry.champion(NAME) is not None) is (state == "live")


def test_register_stores_model_and_release_files(finished, registry, tmp_path):
    """The version holds the very model of the archive, and metrics, gate and card as they were written."""
    run_register(finished, tmp_path / "registry")
    files = registry.files(NAME, "v1")
    model = read_model(finished.folder / "model")
    assert {path: files[path] for path in model if path != "manifest.json"} == {
        path: data for path, data in model.items() if path != "manifest.json"
    }
    released = {
        "metrics.json": "evaluation",
        "reference-profile.json": "reference",
        "gate.json": "gate",
        "gate-report.md": "gate_report",
        "model-card.md": "model_card",
    }
    for name, artifact in released.items():
        assert files[f"release/{name}"] == (finished.folder / artifact).read_bytes()
    assert Tagger.from_files(files).served_version == "v1"


def test_register_twice_is_one_version(finished, registry, tmp_path):
    """A step that runs again finds its version and changes nothing, in whatever state people have brought it."""
    uri = run_register(finished, tmp_path / "registry", promote="never")
    assert run_register(finished, tmp_path / "registry", promote="never") == uri
    registry.reject(NAME, "v1", actor="a person", reason="found wanting")
    assert run_register(finished, tmp_path / "registry") == uri
    (version,) = registry.versions(NAME)
    assert (version.version, version.state) == ("v1", "rejected")


def test_register_again_goes_on_where_it_stopped(finished, registry, tmp_path):
    """A run that may promote completes what one that asked for approval had left a candidate."""
    run_register(finished, tmp_path / "registry", approval_required=True)
    run_register(finished, tmp_path / "registry")
    assert [version.state for version in registry.versions(NAME)] == ["live"]


@pytest.mark.parametrize("promote", ["", "Auto", "always"])
def test_register_refuses_a_wrong_promote(finished, registry, tmp_path, promote):
    """The value and the choices are named, and nothing is registered."""
    with pytest.raises(ConfigError, match=f"promote: '{promote}' is neither 'auto' nor 'never'"):
        run_register(finished, tmp_path / "registry", promote=promote)
    assert registry.versions(NAME) == []


def test_register_refuses_a_wrong_target(finished, registry, tmp_path):
    """Before anything is registered."""
    with pytest.raises(ConfigError, match="rollout target 'service': expected local:FOLDER"):
        run_register(finished, tmp_path / "registry", rollout_target="service")
    assert registry.versions(NAME) == []


def test_register_moves_no_live_pointer_in_the_middle_of_a_rollout(finished, registry, other_model, tmp_path):
    """The version is approved and stays so: the pointer is the rollout's until that has ended."""
    other = registry.register(NAME, other_model(1), actor="a", reason="r")
    rollouts = StoredRollouts(open_storage(str(tmp_path / "registry")), NAME)
    under_way = rollouts.create(make_spec(other))
    under_way = rollouts.write_status(under_way, RolloutStatus(phase=Phase.HOLDING))
    with pytest.raises(RegistryError, match=r"rollout v1 of clinical-ner is holding.*rollout abort v1"):
        run_register(finished, tmp_path / "registry")
    assert [version.state for version in registry.versions(NAME)] == ["candidate", "approved"]
    rollouts.write_status(under_way, RolloutStatus(phase=Phase.ROLLED_BACK))
    assert run_register(finished, tmp_path / "registry").endswith("v2")
    assert registry.champion(NAME).version == "v2"


def test_register_under_another_name_is_refused(finished, registry, tmp_path):
    """A model is registered under the name it was trained for."""
    with pytest.raises(ConfigError, match="'clinical-ner', not 'other'"):
        run_register(finished, tmp_path / "registry", model_name="other")
    assert registry.versions("other") == []


@pytest.mark.parametrize("size", [100, 2_000, 100_000])
def test_register_broken_off_leaves_no_version(finished, registry, tmp_path, size):
    """When the disk is full before, or in the middle of, a version's files, no version is there; the next try makes v1."""
    with largest_file(size), pytest.raises(StorageError):
        run_register(finished, tmp_path / "registry")
    assert registry.versions(NAME) == []
    assert registry.champion(NAME) is None
    assert run_register(finished, tmp_path / "registry").endswith("/v1")
    assert [version.state for version in registry.versions(NAME)] == ["live"]
    assert registry.damage(NAME, "v1") == []


def test_register_without_release_files_leaves_no_version(finished, registry, tmp_path):
    """A missing artifact is named before anything is written."""
    (tmp_path / "model").write_bytes((finished.folder / "model").read_bytes())
    with pytest.raises(DataError, match="evaluation: missing artifact"):
        run_register(finished.into(tmp_path), tmp_path / "registry")
    assert registry.versions(NAME) == []
    assert not (tmp_path / "registry").exists()
