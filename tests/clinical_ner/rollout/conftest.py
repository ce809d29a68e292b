"""A registry with versions to roll out, beside a service that lies in the same store."""

import pytest

from clinical_ner.registry import Registry
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import Backend
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE, FileWorld, make_spec
from tests.clinical_ner.rollout.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """A rollout of v2, written down and not begun."""
    return Stage().set_out()


@pytest.fixture
def store(tmp_path, tiny_model, other_model):
    """v1 is live and served, v2 and v3 approved, and the rollout of v2 written down."""
    storage = open_storage(str(tmp_path))
    registry = Registry(storage)
    versions = [
        registry.register(MODEL, files, actor="a", reason="r") for files in (tiny_model, other_model(1), other_model(2))
    ]
    for version in versions:
        registry.approve(MODEL, version.version, actor="a", reason="r")
    registry.promote(MODEL, "v1", actor="a", reason="r")
    digests = {version.version: version.digest for version in versions}
    FileWorld(storage).create(Backend("v1", digests["v1"], ready=True), digests)
    StoredRollouts(storage, MODEL).create(make_spec(registry.get(MODEL, "v2")))
    return storage


@pytest.fixture
def registry(store):
    return Registry(store)


@pytest.fixture
def records(cluster_api):
    """The rollouts of a cluster's service; there is none."""
    return ClusterRollouts(cluster_api, SERVICE, MODEL)
