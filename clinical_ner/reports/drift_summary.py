"""The drift summary (HTML): what was decided and why, and every column against its reference, on one screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.deviation import ColumnDeviation
from clinical_ner.drift.grid import Grid, grid_of
from clinical_ner.drift.profile import Counts, Profile
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
    return render_html(
        "drift_summary",
        title=f"Drift: {TITLES[decision.action]}",
        decision=decision,
        tones=TONES,
        rows=rows,
        categories={name: _categories(reference, window, name) for name in window.categories} if reference else {},
        novelty=decision.novelty,
    )


def render_nothing_to_compare(reason: str) -> str:
    """The page in place of Evidently's, when there is no window or no reference; ``reason`` in words."""
    return render_html("nothing_to_compare", title="Drift report", reason=reason)


def _row(
    decision: Decision,
    column: ColumnDeviation,
    window: Profile,
    reference: Profile | None,
    scores: Mapping[str, ColumnScore],
) -> Row:
    bars = bars_of(column.column, reference.columns[column.column], window.columns[column.column]) if reference else []
    band = decision.rules.band(column.deviation) if column.beyond_noise else "none"
    return Row(column, band, bars, scores.get(column.column))


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
