"""The data-quality report (HTML): what a corpus holds, and what to look at first. It shows no note text."""

from clinical_ner.reports.data_summary import DataQuality, summarize_data
from clinical_ner.reports.findings import find
from clinical_ner.reports.theme import render_html

__all__ = ["DataQuality", "render_data_quality", "summarize_data"]

LISTED_VALUES = 12


def render_data_quality(summary: DataQuality, *, title: str = "Data quality") -> str:
    """One HTML page; of each metadata field the 12 most frequent values, the others summed."""
    return render_html(
        "data_quality",
        title=title,
        summary=summary,
        findings=find(summary),
        metadata={name: _most_frequent(values) for name, values in summary.metadata.items()},
    )


def _most_frequent(values: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    shown = [(value or "(missing)", documents) for value, documents in values[:LISTED_VALUES]]
    others = values[LISTED_VALUES:]
    return [*shown, (f"({len(others)} others)", sum(documents for _, documents in others))] if others else shown
