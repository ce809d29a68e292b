"""Windows and logs as they ought not to be, through collect, compare and decide."""

import pyarrow as pa
import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.decision import Decision
from clinical_ner.errors import ModelFormatError
from clinical_ner.inference_log.layout import LOG, QUARANTINE, REASON, folder_of
from clinical_ner.inference_log.parquet import from_parquet, to_parquet
from clinical_ner.registry import Registry
from clinical_ner.stages.drift_report import REFERENCE
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.monitored import (
    DAY,
    END,
    answer,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
)
from tests.clinical_ner.stages.stage_runs import NAME


@pytest.fixture
def registry_uri(finished, tmp_path):
    """A live version with a reference, and no log."""
    return make_live(finished, tmp_path)


def decide_at(registry_uri, folder):
    """Counts of the collection, numbers of the comparison, and the decision."""
    counts = run_collect(registry_uri, folder)
    numbers = run_drift_report(registry_uri, folder)
    assert run_decide(registry_uri, folder) == "no"
    return counts, numbers, Decision.model_validate_json((folder / "decision").read_bytes())


def damage(storage, change):
    """Put a changed copy of a file of the log beside it, under a name that tells nothing; its key."""
    source = storage.list(folder_of(NAME, "v1"))[0]
    key = source.rpartition("/")[0] + "/copied.parquet"
    storage.write(key, change(storage.read(source)))
    return key


def without(column):
    return lambda data: to_parquet(from_parquet(data, "copy").drop_columns([column]))


def with_note_text(data):
    table = from_parquet(data, "copy")
    return to_parquet(table.append_column("text", pa.array(["a note"] * table.num_rows)))


def test_window_without_a_log_is_none(registry_uri, tmp_path):
    """Before the first answer there is nothing to compare: no error, no action, and both pages say why."""
    counts, numbers, decision = decide_at(registry_uri, tmp_path)
    assert (counts["notes"], numbers["notes"], decision.action) == (0, 0, "none")
    assert "holds no answered note of clinical-ner v1" in decision.reasons[0]
    assert "Drift: Not judged" in (tmp_path / "drift_summary").read_text()
    assert "The window holds no answered note" in (tmp_path / "evidently_report").read_text()
    assert "new_word_share" not in numbers


def test_window_of_one_record_is_not_judged(registry_uri, tmp_path):
    """One note is no window: no action and the reason, while Evidently draws what there is."""
    answer(registry_uri, synthesize(1, seed=3), END)
    counts, numbers, decision = decide_at(registry_uri, tmp_path)
    assert (counts["notes"], numbers["deviation_percent"], decision.action) == (1, 0, "none")
    assert "1 notes; a window is judged from 50 on" in decision.reasons[0]
    assert "entities_per_100_tokens" in (tmp_path / "evidently_report").read_text()
    assert "1 notes; a window" in (tmp_path / "drift_summary").read_text()


def test_version_without_a_reference_is_not_judged(registry_uri, tiny_model, tmp_path):
    """A version that was registered without a reference profile is watched without being judged, and says so."""
    registry, by = Registry(open_storage(registry_uri)), {"actor": "ada", "reason": "a test"}
    version = registry.register(NAME, tiny_model, **by).version
    registry.approve(NAME, version, **by)
    registry.promote(NAME, version, **by)
    answer(registry_uri, synthesize(60, seed=3), END)
    _, numbers, decision = decide_at(registry_uri, tmp_path)
    assert (numbers["deviation_percent"], decision.action, decision.novelty.reference_rate) == (0, "none", None)
    assert "clinical-ner v2 has no reference profile" in decision.reasons[0]
    assert "The version has no reference profile" in (tmp_path / "evidently_report").read_text()


def test_damaged_reference_is_an_error_and_no_decision(registry_uri, tmp_path):
    """A reference that is not what was registered is not taken for a missing one: the step fails and names it."""
    storage = open_storage(registry_uri)
    (key,) = [key for key in storage.list("models/") if key.endswith(REFERENCE)]
    storage.write(key, b"{}")
    run_collect(registry_uri, tmp_path)
    with pytest.raises(ModelFormatError, match=f"{REFERENCE}: damaged"):
        run_drift_report(registry_uri, tmp_path)
    assert not (tmp_path / "drift").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: b"", "is empty"),
        (lambda data: data[: len(data) // 2], "not a Parquet file"),
        (without("scores"), "column 'scores' is missing"),
        (without("unknown_hashes"), "column 'unknown_hashes' is missing"),
        (with_note_text, "column 'text' is unknown"),
    ],
    ids=["empty", "cut", "lacks scores", "lacks hashes", "has more"],
)
def test_bad_log_file_is_quarantined_and_the_window_decided(registry_uri, tmp_path, change, reason):
    """The file is counted and moved with its reason, which names file and column; the window is what the others hold."""
    for day in (END - DAY, END):
        answer(registry_uri, synthesize(60, seed=day.day), day)
    storage = open_storage(registry_uri)
    key = damage(storage, change)
    counts, _, decision = decide_at(registry_uri, tmp_path)
    assert (counts["rejected_files"], counts["notes"], counts["notes_before"]) == (1, 60, 60)
    assert not decision.window.unjudged
    assert key not in storage.list(LOG)
    moved = key.replace(LOG, QUARANTINE)
    assert storage.read(moved + REASON).decode().startswith(key)
    assert reason in storage.read(moved + REASON).decode()
