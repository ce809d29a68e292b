"""Both pipelines' stages, one after the other, with registry and log in a store of each backend."""

import orjson
import pytest

from clinical_ner.datasets import list_datasets, parse_dataset_uri
from clinical_ner.inference_log.layout import LOG
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.monitored import (
    SHIFT,
    SHIFTED_END,
    answer_two_days,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
    run_resubmit,
    store_corrections,
)
from tests.clinical_ner.stages.stage_runs import NAME, run_evaluate, run_gate, run_ingest, run_preprocess, run_train


@pytest.fixture
def uris(storage_uri, tmp_path, monkeypatch):
    """A registry and a log apart from each other, and a working directory in which nothing may be written."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield f"{storage_uri}/registry", f"{storage_uri}/log"
    assert not list((tmp_path / "elsewhere").iterdir())


def train_version_1(registry_uri, folder):
    """All stages of the training pipeline on 100 notes, with a reference of 300 more; the version is live."""
    run = run_ingest(folder, registry_uri, "synthetic://?notes=100&seed=0")
    run_preprocess(run)
    run_train(run)
    run_evaluate(run)
    assert run_gate(run) == "approve"
    make_live(run, folder / "live", registry_uri=registry_uri)


def monitor(registry_uri, log_uri, folder, corrections_uri):
    """All stages of the monitoring pipeline on two days of shifted notes; returns what became of the decision."""
    counts = run_collect(registry_uri, folder, SHIFTED_END, log_uri=log_uri)
    assert (counts["notes"], counts["notes_before"], counts["rejected_files"]) == (120, 120, 0)
    run_drift_report(registry_uri, folder)
    assert run_decide(registry_uri, folder, corrections_uri) == "yes"
    return run_resubmit(registry_uri, folder, mode="propose")


def test_loop_from_notes_to_a_proposed_training(uris, tmp_path):
    """Train, register, answer, watch, propose: all that stages share lies in the stores, and one cause is proposed once."""
    registry_uri, log_uri = uris
    registry, log = open_storage(registry_uri), open_storage(log_uri)
    train_version_1(registry_uri, tmp_path / "training")
    assert Registry(registry).champion(NAME).version == "v1"
    answer_two_days(registry_uri, 120, SHIFT, SHIFTED_END, log_uri)
    assert log.list(LOG)
    assert not registry.list(LOG)
    corrections_uri = store_corrections(registry_uri, 60)
    datasets = {dataset.digest for dataset in list_datasets(registry)}
    assert [monitor(registry_uri, log_uri, tmp_path / f"day-{day}", corrections_uri) for day in (1, 2)] == ["proposed"] * 2
    store = RecordStore(registry, NAME)
    (record,) = store.records()
    assert record.state is State.PROPOSED
    added = {dataset.digest for dataset in list_datasets(registry)} - datasets
    assert added == {parse_dataset_uri(str(record.parameters[name])) for name in ("corpus_uri", "test_corpus_uri")}
    with StoredLock(registry, f"{store.folder}/lock.json", "another monitor").holding() as lease:
        assert lease
        assert monitor(registry_uri, log_uri, tmp_path / "day-3", corrections_uri) == "refused"
    assert "another monitor" in orjson.loads((tmp_path / "day-3" / "outcome").read_bytes())["reason"]
