"""What to do about two consecutive windows, newly annotated data and reviewed notes: a pure function of their numbers."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from clinical_ner.drift.deviation import ColumnDeviation
from clinical_ner.drift.novelty import Novelty
from clinical_ner.drift.rules import SEVERITY, Action, DriftRules
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import DataError
from clinical_ner.evaluation.bootstrap import f1_difference_interval
from clinical_ner.evaluation.counts import SpanCounts


class ReviewedF1(BaseModel):
    """Live against previous version on the same reviewed notes, uniformly sampled: strict F1, live's less previous's."""

    model_config = ConfigDict(frozen=True)

    notes: int
    low: float
    high: float
    """The 95 % interval of the difference, by paired bootstrap over notes."""


class Decision(BaseModel):
    """What to do, why in words, and all numbers it rests on."""

    model_config = ConfigDict(frozen=True)

    action: Action
    deviation: float
    """Percent, of what lasted through both windows; 0 when drift could not be judged."""
    columns: tuple[str, ...]
    """The columns that were beyond noise in both windows, the largest deviation first."""
    reasons: tuple[str, ...]
    window: WindowDrift
    previous: WindowDrift | None = None
    new_annotated: int = 0
    corrections: str = ""
    """Digest of the dataset that these are in; a resubmission trains on it, whatever is added later. Empty for none."""
    reviewed: ReviewedF1 | None = None
    novelty: Novelty | None = None
    """Unknown words of the newest window. Their alert is among the reasons, and no reason for an action."""
    rules: DriftRules


def compare_reviewed(live: SpanCounts, previous: SpanCounts, *, seed: int = 0) -> ReviewedF1:
    """Both versions re-run on the same reviewed notes, in the same order.

    Raises:
        DataError: the counts are not of equally many notes.
    """
    if len(live) != len(previous):
        raise DataError(f"reviewed notes: {len(live)} counts of the live version, {len(previous)} of the previous one")
    interval = f1_difference_interval(live, previous, seed=seed)
    return ReviewedF1(notes=len(live), low=interval.low, high=interval.high)


def decide(
    window: WindowDrift,
    previous: WindowDrift | None = None,
    *,
    new_annotated: int = 0,
    corrections: str = "",
    reviewed: ReviewedF1 | None = None,
    novelty: Novelty | None = None,
    rules: DriftRules | None = None,
) -> Decision:
    """Decide on a window, the window before it, and what reviewers found.

    Drift asks for what the smaller one of a column's deviations in both windows asks for, over the columns that are beyond
    noise in both. Newly annotated data and reviewed F1 ask by themselves. The most severe request is the action; every reason
    is kept. Novelty asks for nothing: its alert stands behind the reasons.
    """
    rules = rules or DriftRules()
    lasting = _lasting(window, previous, rules)
    requests = [
        _ask_drift(window, previous, lasting, rules),
        _ask_annotated(new_annotated, rules),
        _ask_reviewed(reviewed, rules),
    ]
    action = max((asked for asked, _ in requests), key=SEVERITY.index)
    ordered = sorted(requests, key=lambda request: -SEVERITY.index(request[0]))
    return Decision(
        action=action,
        deviation=max((deviation for _, deviation in lasting), default=0.0),
        columns=tuple(name for name, _ in lasting),
        reasons=(*(reason for _, reason in ordered if reason), *(novelty.reasons if novelty else ())),
        window=window,
        previous=previous,
        new_annotated=new_annotated,
        corrections=corrections,
        reviewed=reviewed,
        novelty=novelty,
        rules=rules,
    )


def _lasting(window: WindowDrift, previous: WindowDrift | None, rules: DriftRules) -> list[tuple[str, float]]:
    """Columns beyond noise in both windows with the smaller deviation of each, the largest first."""
    if previous is None or _why_not_consecutive(window, previous, rules):
        return []
    before = {column.column: column for column in previous.columns if column.beyond_noise}
    both: list[tuple[ColumnDeviation, ColumnDeviation]] = [
        (column, before[column.column]) for column in window.columns if column.beyond_noise and column.column in before
    ]
    found = [(now.column, min(now.deviation, then.deviation)) for now, then in both]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def _why_not_consecutive(window: WindowDrift, previous: WindowDrift, rules: DriftRules) -> str:
    if window.model_digest != previous.model_digest:
        return f"the window before is of another model ({previous.model_version})"
    if previous.unjudged:
        return "the window before could not be judged"
    if previous.end > window.start:
        return "the window before overlaps this one"
    if window.start - previous.end > timedelta(hours=rules.max_gap_hours):
        return f"the window before ended more than {rules.max_gap_hours:g} hours earlier (max_gap_hours)"
    return ""


def _ask_drift(
    window: WindowDrift, previous: WindowDrift | None, lasting: list[tuple[str, float]], rules: DriftRules
) -> tuple[Action, str]:
    if window.unjudged:
        return "none", window.unjudged
    if lasting:
        return _ask_lasting(lasting, rules)
    now = rules.band(window.deviation)
    if now == "none":
        return "none", _describe_quiet(window, rules)
    return "watch", f"{_describe_window(window)} It takes two windows: {_missing_second(window, previous, rules)}."


def _ask_lasting(lasting: list[tuple[str, float]], rules: DriftRules) -> tuple[Action, str]:
    column, deviation = lasting[0]
    action = rules.band(deviation)
    more = f", and {len(lasting) - 1} more columns are beyond noise" if len(lasting) > 1 else ""
    return action, f"{column} deviates by at least {deviation:.1f} % in both of two consecutive windows{more}: {action}."


def _describe_window(window: WindowDrift) -> str:
    return f"{window.columns[0].column} deviates by {window.deviation:.1f} % in this window."


def _describe_quiet(window: WindowDrift, rules: DriftRules) -> str:
    if any(column.beyond_noise for column in window.columns):
        return f"{_describe_window(window)} That is below watch_percent = {rules.watch_percent:g} %."
    return f"No column of {window.notes:,} notes is beyond what chance gives."


def _missing_second(window: WindowDrift, previous: WindowDrift | None, rules: DriftRules) -> str:
    if previous is None:
        return "there is none before this one"
    return _why_not_consecutive(window, previous, rules) or "no column was beyond noise in the one before and in this one"


def _ask_annotated(new_annotated: int, rules: DriftRules) -> tuple[Action, str]:
    if not new_annotated:
        return "none", ""
    limit = f"min_new_annotated = {rules.min_new_annotated:,}"
    if new_annotated < rules.min_new_annotated:
        return "none", f"{new_annotated:,} newly annotated documents, below {limit}."
    return "retrain", f"{new_annotated:,} newly annotated documents reach {limit}: retrain."


def _ask_reviewed(reviewed: ReviewedF1 | None, rules: DriftRules) -> tuple[Action, str]:
    if reviewed is None:
        return "none", ""
    if reviewed.notes < rules.min_reviewed_notes:
        return "none", (
            f"{reviewed.notes:,} reviewed notes, below min_reviewed_notes = {rules.min_reviewed_notes:,}: "
            f"the versions are not compared."
        )
    interval = f"{reviewed.low:+.3f} to {reviewed.high:+.3f} on {reviewed.notes:,} reviewed notes"
    if reviewed.high < 0:
        return "roll-back", f"The live version's strict F1 is below the previous one's ({interval}): roll back."
    return "none", f"The live version is not shown to be worse than the previous one ({interval})."
