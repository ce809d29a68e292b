"""The monitoring pipeline's runs as gauges: one job a stage, so that no stage wipes what another one reported."""

from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from clinical_ner.batch_metrics.series import Job, Series
from clinical_ner.drift.decision import Decision, ReviewedF1
from clinical_ner.drift.novelty import Novelty
from clinical_ner.drift.rules import SEVERITY
from clinical_ner.resubmit.outcome import Outcome, Status
from clinical_ner.resubmit.records import LastRun, State

NAME = "clinical-ner-monitoring"
COLLECT, DECIDE, RESUBMIT = "collect-window", "decide", "resubmit"
_PERCENT = 100.0

NOT_ASKED = Outcome(status="nothing", reason="the decision asks for no training")


def collected_series(model: str, version: str, counts: Mapping[str, int], *, now: datetime) -> Series:
    """What reading the log met, over both windows."""
    series = _series(model, version, COLLECT, now)
    series.put("inference_log_duplicate_records", "Records that the log held twice.", counts["duplicate_records"])
    series.put("inference_log_rejected_files", "Files of the log that broke its schema.", counts["rejected_files"])
    return series


def decision_series(decision: Decision, *, now: datetime) -> Series:
    """The newest window, its columns, and what was decided. A window that was not judged has no columns and deviates by 0."""
    window = decision.window
    series = _series(window.model_name, window.model_version, DECIDE, now)
    series.put("live_model_info", "1 for the model that is live in the registry.", 1, digest=window.model_digest)
    series.put_state("drift_action", "1 for the action that was decided on.", "action", SEVERITY, decision.action)
    series.put("drift_window_end_timestamp_seconds", "End of the newest window.", window.end.timestamp())
    series.put("drift_window_notes", "Answered notes of the newest window.", window.notes)
    series.put("drift_window_refused_notes", "Refused notes of the newest window.", window.refused)
    series.put("drift_window_unjudged", "1 when the newest window could not be judged.", float(bool(window.unjudged)))
    series.put("drift_window_deviation_ratio", "Deviation of the newest window.", window.deviation / _PERCENT)
    series.put("drift_deviation_ratio", "Deviation that lasted through both windows.", decision.deviation / _PERCENT)
    for column in window.columns:
        of = {"column": column.column}
        series.put("drift_column_deviation_ratio", "Deviation of a column.", column.deviation / _PERCENT, **of)
        series.put("drift_column_beyond_noise", "1 for a column that chance does not explain.", column.beyond_noise, **of)
    series.put("drift_new_annotated_documents", "Corrections that the version was not trained on.", decision.new_annotated)
    if decision.novelty:
        _put_novelty(series, decision.novelty)
    if decision.reviewed:
        _put_reviewed(series, decision.reviewed)
    return series


def outcome_series(model: str, version: str, outcome: Outcome, last: LastRun | None, *, now: datetime) -> Series:
    """What came of the decision, how many alerts it raised, and how the training stands that was submitted last."""
    series = _series(model, version, RESUBMIT, now)
    series.put_state("resubmission_status", "1 for what was done.", "status", get_args(Status), outcome.status)
    series.put("resubmission_alerts", "Things that a person should know; the outcome says which.", len(outcome.alerts))
    states, state = [state.value for state in State], last.state.value if last else ""
    series.put_state("resubmission_last_training", "1 for how the last training stands.", "state", states, state)
    return series


def _series(model: str, version: str, stage: str, now: datetime) -> Series:
    series = Series(Job(NAME, {"model": model, "stage": stage}), model_version=version)
    series.put("monitoring_last_success_timestamp_seconds", "When the stage succeeded last.", now.timestamp())
    return series


def _put_novelty(series: Series, novelty: Novelty) -> None:
    series.put("novelty_alert", "1 when unknown words are worth an alert.", novelty.alert)
    series.put("novelty_unknown_ratio", "Share of words that the model does not know, mean of notes.", novelty.unknown_rate)
    if novelty.reference_rate is not None:
        series.put("novelty_reference_unknown_ratio", "The same in the version's reference.", novelty.reference_rate)
    if novelty.words is None or novelty.unasked:
        return
    words = novelty.words
    series.put("novelty_unknown_words", "Different unknown words of the newest window.", words.different)
    series.put("novelty_new_words", "Those of them that no earlier note had.", words.new)
    series.put("novelty_recurring_words", "Different unknown words that several notes had.", words.recurring)
    series.put("novelty_recurring_new_words", "Those of them that no earlier note had.", words.recurring_new)


def _put_reviewed(series: Series, reviewed: ReviewedF1) -> None:
    series.put("drift_reviewed_notes", "Reviewed notes that live and previous version were run on.", reviewed.notes)
    meaning = "Strict F1 of the live version less the previous one's, an end of the 95 % interval."
    for end, value in (("low", reviewed.low), ("high", reviewed.high)):
        series.put("drift_reviewed_f1_difference", meaning, value, end=end)
