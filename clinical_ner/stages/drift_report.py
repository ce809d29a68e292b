"""Profiles of two windows in, their deviation from the version's reference and Evidently's report out."""

from pathlib import Path

import structlog

from clinical_ner.drift.collected import CollectedWindow, load_windows
from clinical_ner.drift.judged import dump_judged
from clinical_ner.drift.novelty import Novelty, measure_novelty
from clinical_ner.drift.reference import Reference, parse_reference
from clinical_ner.drift.report import evidently_report
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.scores import ColumnScore
from clinical_ner.drift.windows import judge_window
from clinical_ner.model_package import RELEASE
from clinical_ner.registry import Registry
from clinical_ner.reports.drift_summary import render_nothing_to_compare
from clinical_ner.stages.artifacts import PathLike, read_bytes, write_bytes, write_text
from clinical_ner.storage import open_storage

REFERENCE = RELEASE + "reference-profile.json"

_log = structlog.get_logger()


def drift_report(
    *,
    model_name: str,
    registry_uri: str,
    windows_path: PathLike,
    rules: DriftRules,
    evidently_workspace: str,
    drift_path: PathLike,
    evidently_report_path: PathLike,
) -> dict[str, float]:
    """Judge both windows against the reference of the version that answered; draw the newest one with Evidently.

    A window that cannot be judged (too few notes, no reference) is said to be so, and deviates by 0. An alert about the newest
    one's new words is logged as a warning. Returns numbers for the run's metrics.
    """
    windows = load_windows(read_bytes(windows_path))
    newest = windows[-1]
    reference = load_reference(registry_uri, model_name, newest.profile.model.version)
    before, judged = (
        judge_window(window.profile, reference, start=window.start, end=window.end, rules=rules) for window in windows
    )
    html, scores = _draw(newest, reference, evidently_workspace)
    write_text(evidently_report_path, html)
    novelty = measure_novelty(newest.profile, judged, newest.words, rules=rules)
    write_bytes(drift_path, dump_judged(rules, (before, judged), scores, novelty))
    _log.info("compared", deviation_percent=round(judged.deviation, 2), unjudged=judged.unjudged)
    if novelty.alert:
        _log.warning("new_words", model=model_name, version=judged.model_version, reasons=novelty.reasons)
    columns = {column.column: column.deviation for column in judged.columns}
    return {"notes": newest.profile.notes, "deviation_percent": judged.deviation, **columns, **_numbers_of(novelty)}


def _numbers_of(novelty: Novelty) -> dict[str, float]:
    """Shares that were not asked for are left out: 0 would say that nothing is new."""
    numbers = {"unknown_rate": novelty.unknown_rate, "novelty_alert": float(novelty.alert)}
    if not novelty.unasked:
        numbers |= {"new_word_share": novelty.new_share, "recurring_new_word_share": novelty.recurring_new_share}
    return numbers


def load_reference(registry_uri: str, model_name: str, version: str) -> Reference | None:
    """The reference profile of a version, None for one that was registered without."""
    data = Registry(open_storage(registry_uri)).files(model_name, version).get(REFERENCE)
    return parse_reference(data) if data else None


def _draw(window: CollectedWindow, reference: Reference | None, workspace: str) -> tuple[str, list[ColumnScore]]:
    if reference is None or not window.profile.notes:
        why = "the version has no reference profile" if reference is None else "the window holds no answered note"
        return render_nothing_to_compare(why), []
    folder = Path(workspace) if workspace else None
    report = evidently_report(reference.profile, window.profile, time=window.end, workspace=folder)
    return report.html, report.scores
