"""The stages of the monitoring pipeline, one after the other on one log."""

import orjson
import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import dataset_uri, store_dataset
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.judged import load_judged
from clinical_ner.drift.rules import DriftRules
from clinical_ner.errors import ConfigError, DataError, NotFound
from clinical_ner.inference_log.layout import LOG, folder_of
from clinical_ner.registry import Registry
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.stages.resubmit import limits_of
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.monitored import (
    DAY,
    END,
    SHIFTED_END,
    answer_two_days,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
    run_resubmit,
    store_corrections,
)
from tests.clinical_ner.stages.stage_runs import NAME

NOWHERE = END + 100 * DAY


def decide_at(registry_uri, folder, end, corrections_uri=""):
    """Collect, compare and decide; the word, and the decision."""
    run_collect(registry_uri, folder, end)
    run_drift_report(registry_uri, folder)
    word = run_decide(registry_uri, folder, corrections_uri)
    return word, Decision.model_validate_json((folder / "decision").read_bytes())


def outcome(folder):
    return orjson.loads((folder / "outcome").read_bytes())


@pytest.fixture
def shifted(monitored, compared):
    """A folder with a decision on shifted notes."""
    run_decide(monitored, compared)
    return compared


def test_collect_counts_both_windows(monitored, tmp_path):
    """The notes of each day and no others."""
    counts = run_collect(monitored, tmp_path)
    assert counts == {"notes": 120, "notes_before": 120, "duplicate_records": 0, "rejected_files": 0}


def test_collect_is_repeatable(monitored, tmp_path):
    """A repeated stage writes the same bytes."""
    run_collect(monitored, tmp_path / "one")
    run_collect(monitored, tmp_path / "two")
    assert (tmp_path / "one" / "windows").read_bytes() == (tmp_path / "two" / "windows").read_bytes()


def test_collect_counts_files_that_break_the_schema(finished, tmp_path):
    """A file that is no Parquet is counted and quarantined, and the others are read."""
    registry_uri = make_live(finished, tmp_path, reference_notes=0)
    answer_two_days(registry_uri, 30)
    storage = open_storage(registry_uri)
    hour = END - DAY / 2
    storage.write(f"{folder_of(NAME, 'v1', hour.date())}hour={hour:%H}/broken.parquet", b"not parquet")
    counts = run_collect(registry_uri, tmp_path)
    assert (counts["notes"], counts["rejected_files"]) == (30, 1)
    assert not [key for key in storage.list(LOG) if key.endswith("broken.parquet")]


def test_collect_without_a_live_version_is_an_error(tmp_path):
    """There is nothing to watch before the first promotion."""
    with pytest.raises(NotFound):
        run_collect((tmp_path / "registry").as_uri(), tmp_path)


def test_undrifted_windows_ask_for_nothing(monitored, tmp_path):
    """Ordinary notes: no training is asked for, and all reports are written."""
    word, decision = decide_at(monitored, tmp_path, END)
    assert (word, decision.action in {"none", "watch"}) == ("no", True)
    assert not decision.window.unjudged
    for name in ("evidently_report", "drift_summary"):
        assert "<html" in (tmp_path / name).read_text().lower()


def test_shifted_windows_ask_for_a_training(monitored, tmp_path):
    """New diseases and a new site, two days running."""
    word, decision = decide_at(monitored, tmp_path, SHIFTED_END)
    assert word == "yes"
    assert decision.action in {"retrain", "experiment"}
    assert decision.columns


def test_one_shifted_window_is_not_enough(monitored, tmp_path):
    """The first shifted day, after a day without notes: watch, and no training."""
    word, decision = decide_at(monitored, tmp_path, SHIFTED_END - DAY)
    assert (word, decision.action) == ("no", "watch")


def test_empty_windows_are_no_error(monitored, tmp_path):
    """Nobody asked: the reports say so, and the decision is none."""
    word, decision = decide_at(monitored, tmp_path, NOWHERE)
    assert (word, decision.action) == ("no", "none")
    assert "no answered note" in decision.window.unjudged
    assert "Evidently has nothing to compare" in (tmp_path / "evidently_report").read_text()


def test_rules_of_the_run_decide(monitored, tmp_path):
    """A window below the run's own minimum is not judged, and the decision shows the rules."""
    run_collect(monitored, tmp_path, SHIFTED_END)
    run_drift_report(monitored, tmp_path, rules=DriftRules(min_window_notes=121))
    assert run_decide(monitored, tmp_path) == "no"
    decision = Decision.model_validate_json((tmp_path / "decision").read_bytes())
    assert decision.rules.min_window_notes == 121
    assert "from 121 on" in decision.window.unjudged


def test_snapshot_goes_to_the_workspace(monitored, tmp_path):
    """With a workspace the snapshot is kept there too, and Evidently's scores travel with the windows."""
    run_collect(monitored, tmp_path)
    run_drift_report(monitored, tmp_path, evidently_workspace=str(tmp_path / "workspace"))
    assert any((tmp_path / "workspace").rglob("*.json"))
    assert load_judged((tmp_path / "drift").read_bytes()).scores


def test_many_corrections_ask_by_themselves(monitored, tmp_path):
    """200 newly annotated documents are worth a training without drift."""
    word, decision = decide_at(monitored, tmp_path, END, store_corrections(monitored, 220))
    assert (word, decision.action) == ("yes", "retrain")
    assert decision.new_annotated == 220


def test_drift_without_corrections_needs_annotation(monitored, shifted):
    """The same data again would give the same model: people are asked for annotations, and nothing is recorded."""
    assert run_resubmit(monitored, shifted) == "needs-annotation"
    assert outcome(shifted)["alerts"]


def test_auto_without_a_package_gives_up_and_is_seen_to(finished, shifted, tmp_path):
    """A training that cannot be submitted is refused with its reason, and the next window looks at it, drifted or not."""
    registry_uri = make_live(finished, tmp_path / "own")
    run_decide(registry_uri, shifted, store_corrections(registry_uri, 60))
    assert run_resubmit(registry_uri, shifted, training_parameters='{"min_f1": 0.1}', mode="auto") == "refused"
    assert "no compiled pipeline there" in outcome(shifted)["reason"]
    (record,) = RecordStore(open_storage(registry_uri), NAME).records()
    assert record.parameters["min_f1"] == 0.1
    assert len(record.evidence) == 2
    assert decide_at(registry_uri, tmp_path, NOWHERE)[0] == "yes"


def test_damaged_artifacts_are_named(monitored, shifted):
    """Each stage refuses what another did not write."""
    (shifted / "decision").write_bytes(b"{}")
    with pytest.raises(DataError, match="not a decision"):
        run_resubmit(monitored, shifted)
    (shifted / "drift").write_bytes(b"{}")
    with pytest.raises(DataError, match="judged windows"):
        run_decide(monitored, shifted)


def test_unknown_action_is_named(monitored, shifted):
    """An action that no decision has, as a later release or a person's edit may write: refused, and nothing is done."""
    decision = orjson.loads((shifted / "decision").read_bytes())
    (shifted / "decision").write_bytes(orjson.dumps({**decision, "action": "retarin"}))
    with pytest.raises(DataError, match="not a decision: action"):
        run_resubmit(monitored, shifted)
    assert not (shifted / "outcome").exists()


@pytest.mark.parametrize(
    ("limits", "parameters", "reason"),
    [
        ({"mode": "ask"}, "", "mode: "),
        ({"max_attempts": 0}, "", "max_attempts: "),
        ({}, "min_f1=0.5", "training_parameters"),
        ({}, "[1]", "training_parameters"),
    ],
)
def test_wrong_parameters_are_named(monitored, shifted, limits, parameters, reason):
    """The message names the parameter."""
    with pytest.raises(ConfigError, match=reason):
        run_resubmit(monitored, shifted, training_parameters=parameters, **limits)


def test_wrong_rules_are_named():
    """Bands that do not ascend, and a share that is none."""
    with pytest.raises(ConfigError, match="must ascend"):
        DriftRules.checked(watch_percent=8.0, retrain_percent=5.0)
    with pytest.raises(ConfigError, match="alpha: "):
        DriftRules.checked(alpha=1.0)
    assert limits_of(mode="auto").mode == "auto"


def test_worse_version_is_rolled_back(finished, tiny_model, tmp_path):
    """A live version that knows three words, behind one that knows a corpus: reviewed notes tell, without any drift."""
    registry_uri = make_live(finished, tmp_path, reference_notes=0)
    storage = open_storage(registry_uri)
    registry, by = Registry(storage), {"actor": "ada", "reason": "a mistake"}
    version = registry.register(NAME, tiny_model, **by).version
    registry.approve(NAME, version, **by)
    registry.promote(NAME, version, **by)
    reviewed_uri = dataset_uri(store_dataset(storage, synthesize(110, seed=30), reader="feedback", parameters={}).digest)
    run_collect(registry_uri, tmp_path)
    run_drift_report(registry_uri, tmp_path)
    assert run_decide(registry_uri, tmp_path, reviewed_uri=reviewed_uri) == "yes"
    decision = Decision.model_validate_json((tmp_path / "decision").read_bytes())
    assert decision.action == "roll-back"
    assert (decision.reviewed.notes, decision.reviewed.high < 0) == (110, True)


def test_reviewed_notes_without_an_earlier_version_compare_nothing(monitored, tmp_path):
    """The first version has nothing to be worse than."""
    run_collect(monitored, tmp_path)
    run_drift_report(monitored, tmp_path)
    assert run_decide(monitored, tmp_path, reviewed_uri=store_corrections(monitored, 5)) == "no"
    assert Decision.model_validate_json((tmp_path / "decision").read_bytes()).reviewed is None
