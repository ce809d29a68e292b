"""The drift summary (HTML): what was decided and why, and every column against its reference, on one screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.deviation import ColumnDeviation
from clinical_ner.drift.grid import Grid, grid_of
from clinical_ner.drift.profile import Counts, Profile
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.scores import ColumnScore
from clinical_ner.reports.theme import render_html

TITLES = {
    "none": "No drift",
    "watch": "Watch",
    "retrain": "Retrain",
    "experiment": "Experiment",
    "roll-back": "Roll back",
}
TONES = {"none": "fine", "watch": "note", "retrain": "warning", "experiment": "problem", "roll-back": "problem"}
LISTED_CATEGORIES = 4
MEANINGS = {
    "characters": "Characters of a note",
    "tokens": "Words and punctuation marks of a note",
    "sentences": "Sentences of a note",
    "oov_rate": "Share of a note's words that the model does not know",
    "entities_per_100_tokens": "Entities in 100 words of a note",
    "has_no_entity": "Share of notes in which the model found nothing",
    "score": "How sure the model is of an entity, 0 to 1",
    "low_score_share": "Share of a note's entities of which the model is not sure",
}
"""By the part of a column's name that no label is."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Shares (0 to 1) of reference and window in one bin, with the values it holds."""

    name: str
    reference: float
    window: float
    outside: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the table."""

    column: ColumnDeviation
    band: str
    bars: Sequence[Bar]
    score: ColumnScore | None
    before: float | None
    """Deviation in the window before, None when it was not beyond noise or not judged."""

    @property
    def meaning(self) -> str:
        return MEANINGS.get(self.column.column.partition(".")[0], "")

    @property
    def peak(self) -> float:
        return max((max(bar.reference, bar.window) for bar in self.bars), default=0.0) or 1.0


def render_drift_summary(
    decision: Decision,
    window: Profile,
    reference: Profile | None,
    *,
    scores: Sequence[ColumnScore] = (),
) -> str:
    """One HTML page; a window that could not be judged has no table. ``scores`` are Evidently's, shown and not deciding."""
    by_column = {score.column: score for score in scores}
    rows = [_row(decision, column, window, reference, by_column) for column in decision.window.columns if reference]
    unjudged = decision.action == "none" and decision.window.unjudged
    return render_html(
        "drift_summary",
        title="Drift: Not judged" if unjudged else f"Drift: {TITLES[decision.action]}",
        decision=decision,
        tone="note" if unjudged else TONES[decision.action],
        tones=TONES,
        bands=_bands(decision.rules),
        rows=rows,
        categories={name: _categories(reference, window, name) for name in window.categories} if reference else {},
        novelty=decision.novelty,
    )


def render_nothing_to_compare(reason: str) -> str:
    """The page in place of Evidently's, when there is no window or no reference; ``reason`` in words."""
    return render_html("nothing_to_compare", title="Drift report", reason=reason)


def _bands(rules: DriftRules) -> list[tuple[str, str]]:
    """Each action that a deviation can ask for, and from which to which."""
    watch, retrain, experiment = (
        f"{value:g}" for value in (rules.watch_percent, rules.retrain_percent, rules.experiment_percent)
    )
    return [
        ("none", f"under {watch} %"),
        ("watch", f"{watch} to {retrain} %"),
        ("retrain", f"{retrain} to {experiment} %"),
        ("experiment", f"over {experiment} %"),
    ]


def _row(
    decision: Decision,
    column: ColumnDeviation,
    window: Profile,
    reference: Profile | None,
    scores: Mapping[str, ColumnScore],
) -> Row:
    bars = bars_of(column.column, reference.columns[column.column], window.columns[column.column]) if reference else []
    band = decision.rules.band(column.deviation) if column.beyond_noise else "none"
    previous = decision.previous.columns if decision.previous else ()
    before = next((one.deviation for one in previous if one.column == column.column and one.beyond_noise), None)
    return Row(column, band, bars, scores.get(column.column), before)


def bars_of(column: str, reference: Counts, window: Counts) -> list[Bar]:
    """The bins that the column was compared on, outer ones included; none without values in the reference."""
    if not reference.any():
        return []
    binning, grid = binning_of(reference), grid_of(column)
    shares = [binning.count(counts) / max(counts.sum(), 1) for counts in (reference, window)]
    last = binning.size - 1
    return [
        Bar(_name_bin(grid, binning.edges, number), float(first), float(second), number in {0, last})
        for number, (first, second) in enumerate(zip(*shares, strict=True))
    ]


def _name_bin(grid: Grid, edges: Counts, number: int) -> str:
    low, high = (f"{value:,.4g}" for value in grid.value(edges[[max(number - 1, 0), min(number, len(edges) - 1)]]))
    if number == 0:
        return f"below {high}"
    return f"{low} and more" if number == len(edges) else f"{low} to below {high}"


def _categories(reference: Profile, window: Profile, name: str) -> list[tuple[str, float, float]]:
    """Value, share of the reference's notes and of the window's, those that changed most first."""
    sizes = [max(sum(profile.categories[name].values()), 1) for profile in (reference, window)]
    values = reference.categories[name].keys() | window.categories[name].keys()
    counts = [profile.categories[name] for profile in (reference, window)]
    shares = [
        (value or "not given", counts[0].get(value, 0) / sizes[0], counts[1].get(value, 0) / sizes[1]) for value in values
    ]
    return sorted(shares, key=lambda share: (-abs(share[2] - share[1]), share[0]))[:LISTED_CATEGORIES]
