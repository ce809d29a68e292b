"""Rollouts in the registry's storage."""

import pytest

from clinical_ner.errors import StorageError
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import MODEL
from tests.clinical_ner.rollout.rollouts_conformance import RolloutsConformance, spec


@pytest.fixture
def records(tmp_path):
    return StoredRollouts(open_storage(str(tmp_path / "records")), MODEL)


class TestStoredRollouts(RolloutsConformance):
    """On files."""


def test_damaged_record_is_named(records):
    """By its key."""
    records.create(spec("v2"))
    records.storage.write("rollouts/clinical-ner/v2.json", b"{}")
    with pytest.raises(StorageError, match=r"rollouts/clinical-ner/v2\.json"):
        records.all()
