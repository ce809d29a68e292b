"""Addresses of services, and where the rollouts of each are written down."""

from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.addresses import KServeAddress, LocalAddress, parse_address
from clinical_ner.rollout.opening import open_records
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import MODEL


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("local:service", LocalAddress(Path("service"))),
        ("local:/srv/a b", LocalAddress(Path("/srv/a b"))),
        ("kserve:ward/clinical-ner", KServeAddress("ward", "clinical-ner")),
    ],
)
def test_address_names_a_service(address, expected):
    """A folder of this machine, or namespace and name of an InferenceService."""
    assert parse_address(address) == expected


@pytest.mark.parametrize(
    "address",
    ["", "service", "local:", "kserve:", "kserve:clinical-ner", "kserve:Ward/x", "kserve:a/b/c", "kserve:a/-b", "k8s:a/b"],
)
def test_wrong_address_is_quoted(address):
    """With what is expected instead."""
    with pytest.raises(ConfigError, match=r"local:FOLDER.*kserve:NAMESPACE/SERVICE") as refusal:
        parse_address(address)
    assert repr(address) in str(refusal.value)


def test_rollouts_of_a_local_service_lie_in_the_registrys_store(tmp_path):
    """Whatever its folder: one store has one local service of a model."""
    storage = open_storage(str(tmp_path))
    opened = open_records("local:anywhere", storage, MODEL)
    assert isinstance(opened, StoredRollouts)
    assert (opened.storage, opened.folder) == (storage, f"rollouts/{MODEL}")


def test_cluster_that_is_not_there_is_said(tmp_path, monkeypatch):
    """Outside a pod and without a kubeconfig nobody can be asked."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="neither a pod's account nor a kubeconfig"):
        open_records("kserve:ward/clinical-ner", open_storage(str(tmp_path)), MODEL)
