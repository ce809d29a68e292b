"""What a person should look at first in a corpus, worst first."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from clinical_ner.gate import GateThresholds
from clinical_ner.reports.data_summary import DataQuality, LabelSummary, PartSummary
from clinical_ner.reports.theme import count, percent

GATE = GateThresholds()
"""The gate's defaults: what it would reject is worth a finding here already."""
MUCH_UNALIGNABLE = 0.01
MANY_DUPLICATES = 0.01
MOSTLY = 0.5
DOMINANT = 0.8
RARE_LABEL = 0.1
LONG_NOTE = 20


class Severity(StrEnum):
    """How bad a finding is; in order."""

    PROBLEM = "problem"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: what was found, and what to do about it."""

    severity: Severity
    title: str
    advice: str


def find(summary: DataQuality) -> list[Finding]:
    """All findings, worst first; an empty corpus has only that one."""
    if not summary.documents:
        return [Finding(Severity.PROBLEM, "There is no document.", "Check corpus_uri and corpus_format."), *_records(summary)]
    found = [*_records(summary), *_spans(summary), *_balance(summary), *_notes(summary), *_metadata(summary), *_parts(summary)]
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def _records(summary: DataQuality) -> Iterator[Finding]:
    if summary.bad_records:
        yield Finding(
            Severity.PROBLEM,
            f"{count(summary.bad_records)} records could not be used and are in no part of the data.",
            "They are listed below with file and line; the quarantine file has them as they were found.",
        )


def _spans(summary: DataQuality) -> Iterator[Finding]:
    if not summary.entities:
        yield Finding(Severity.PROBLEM, "No document has an entity.", "Check label_map and the annotations.")
    for label in summary.labels:
        if label.recall_ceiling < 1 - MUCH_UNALIGNABLE:
            yield Finding(
                Severity.WARNING if label.recall_ceiling >= 1 - GATE.max_unalignable_rate else Severity.PROBLEM,
                f"{count(label.unalignable)} spans of {label.label} cannot be expressed by token labels: "
                f"its recall cannot exceed {percent(label.recall_ceiling)}.",
                "Look for spans that begin or end within a word, cross a sentence, or overlap another span.",
            )
    if summary.ambiguous:
        yield Finding(
            Severity.NOTE,
            f"{count(summary.ambiguous)} different entity strings carry more than one label.",
            "Right where context decides; otherwise the annotators disagree.",
        )


def _balance(summary: DataQuality) -> Iterator[Finding]:
    largest = max((label.entities for label in summary.labels), default=0)
    for label in summary.labels:
        if label.entities < RARE_LABEL * largest:
            yield _rare(label, largest)
    if summary.without_entities > MOSTLY * summary.documents:
        yield Finding(
            Severity.WARNING,
            f"{percent(summary.without_entities / summary.documents)} of the documents have no entity.",
            "Make sure that they were annotated and found empty, not skipped.",
        )


def _rare(label: LabelSummary, largest: int) -> Finding:
    return Finding(
        Severity.WARNING,
        f"{label.label} is rare: {count(label.entities)} spans, {percent(label.entities / largest)} of the largest label's.",
        "Expect a wide interval for its score; add notes that mention it.",
    )


def _notes(summary: DataQuality) -> Iterator[Finding]:
    if summary.duplicates > MANY_DUPLICATES * summary.documents:
        yield Finding(
            Severity.WARNING,
            f"{count(summary.duplicates)} documents repeat the text of another.",
            "Each text is kept in one part of the split only; repeats still weigh more in training.",
        )
    if summary.ungrouped:
        yield Finding(
            Severity.NOTE,
            f"{percent(summary.ungrouped / summary.documents)} of the documents name no patient (metadata group_id).",
            "They are split by note: notes of one patient may then stand in training and test alike.",
        )
    if summary.note_tokens.maximum > LONG_NOTE * max(summary.note_tokens.median, 1):
        yield Finding(
            Severity.NOTE,
            f"The longest note has {count(summary.note_tokens.maximum)} tokens, the median one "
            f"{count(summary.note_tokens.median)}.",
            "Check whether files were joined, or one holds something else than a note.",
        )


def _metadata(summary: DataQuality) -> Iterator[Finding]:
    for name, values in summary.metadata.items():
        value, documents = values[0]
        if len(values) > 1 and value and documents > DOMINANT * summary.documents:
            yield Finding(
                Severity.NOTE,
                f"{percent(documents / summary.documents)} of the documents have {name} {value}.",
                f"The overall score is that {name}'s; read the slices of the others, which have wide intervals.",
            )


def _parts(summary: DataQuality) -> Iterator[Finding]:
    for part in summary.parts:
        for label in summary.labels:
            yield from _part_label(part, label.label)


def _part_label(part: PartSummary, label: str) -> Iterator[Finding]:
    spans = part.entities.get(label, 0)
    if not spans:
        yield Finding(Severity.PROBLEM, f"The {part.name} part has no {label}.", "Add documents, or change the fractions.")
    elif spans < GATE.min_test_spans and part.name == "test":
        yield Finding(
            Severity.WARNING,
            f"The test part has {count(spans)} spans of {label}, fewer than {GATE.min_test_spans}.",
            "Its score says little, and the quality gate may reject for too little evidence.",
        )
