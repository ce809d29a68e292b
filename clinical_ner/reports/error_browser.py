"""The error browser (HTML): notes with errors, gold and predicted spans highlighted, filters and search.

With ``show_note_text`` the page holds protected health information and says so; without, every note is masked before
anything else sees it (:mod:`clinical_ner.reports.masking`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from clinical_ner.documents import Document, Entity
from clinical_ner.evaluation.matching import Match, Outcome, match_spans
from clinical_ner.reports.highlighting import LabelIndex, highlight, keys
from clinical_ner.reports.masking import mask_text
from clinical_ner.reports.theme import render_html
from clinical_ner.tagger import Annotation

SHOWN_NOTES = 200
SHOWN_CHARACTERS = 2_000_000
"""Note text on one page above which a browser becomes slow."""
LISTED_CONFUSIONS = 12
NAMES = {outcome.value: outcome.value for outcome in Outcome} | {"boundary": "wrong boundary", "label": "wrong label"}


@dataclass(frozen=True, slots=True)
class MatchedNote:
    """A note and what became of each of its spans."""

    document: Document
    annotation: Annotation
    matches: tuple[Match, ...]

    @property
    def errors(self) -> list[Match]:
        return [match for match in self.matches if match.outcome is not Outcome.CORRECT]


@dataclass(frozen=True, slots=True)
class Card:
    """A note as the page shows it; ``keys`` say which filters it passes, with repeats, ``errors`` counts by outcome."""

    id: str
    site: str
    specialty: str
    errors: dict[str, int]
    keys: str
    html: Markup


def render_error_browser(
    documents: Sequence[Document],
    annotations: Sequence[Annotation],
    *,
    show_note_text: bool,
    limit: int = SHOWN_NOTES,
    title: str = "Error browser",
) -> str:
    """One HTML page with the ``limit`` notes that have most errors, fewer where they are long; counts are of all notes.

    ``annotations`` are the model's, one for one. Ids and metadata are shown as they are, whatever ``show_note_text`` says.
    """
    notes = [_match(document, annotation) for document, annotation in zip(documents, annotations, strict=True)]
    wrong = sorted((note for note in notes if note.errors), key=lambda note: (-len(note.errors), note.document.id))
    labels = sorted({span.label for note in notes for match in note.matches for span in match if span})
    index = {label: number for number, label in enumerate(labels)}
    matches = [match for note in notes for match in note.matches]
    shown = _fitting(wrong[:limit])
    return render_html(
        "error_browser",
        title=title,
        names=NAMES,
        show_note_text=show_note_text,
        notes=len(notes),
        wrong=len(wrong),
        cards=[_card(note, index, show_note_text=show_note_text) for note in shown],
        outcomes=_outcome_counts(matches, labels),
        totals=Counter(match.outcome.value for match in matches),
        labels=index,
        confusions=_confusions(matches).most_common(LISTED_CONFUSIONS),
        phrases=_phrases(wrong).most_common(LISTED_CONFUSIONS) if show_note_text else [],
        sites=sorted({note.document.metadata.get("site", "") for note in shown} - {""}),
    )


def _match(document: Document, annotation: Annotation) -> MatchedNote:
    predicted = [found.entity for found in annotation.entities]
    return MatchedNote(document, annotation, tuple(match_spans(document.entities, predicted)))


def _fitting(notes: Sequence[MatchedNote]) -> list[MatchedNote]:
    """The first notes, as many as keep the page usable, but at least one."""
    sizes = accumulate(len(note.document.text) for note in notes)
    return [
        note for number, (note, size) in enumerate(zip(notes, sizes, strict=True)) if size <= SHOWN_CHARACTERS or not number
    ]


def _card(note: MatchedNote, index: LabelIndex, *, show_note_text: bool) -> Card:
    text = note.document.text if show_note_text else mask_text(note.document.text)
    scores = {found.entity: found.score for found in note.annotation.entities}
    errors = Counter(match.outcome for match in note.errors)
    return Card(
        id=note.document.id,
        site=note.document.metadata.get("site", ""),
        specialty=note.document.metadata.get("specialty", ""),
        errors={outcome.value: errors[outcome] for outcome in Outcome if errors[outcome]},
        keys=" ".join(sorted({key for match in note.errors for key in keys(match, index)})),
        html=highlight(text, note.matches, scores, index),
    )


def _outcome_counts(matches: Sequence[Match], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """By label, then outcome; a span with the wrong label counts under its gold label."""
    counts = Counter(((match.gold or match.predicted or Entity(0, 0, "")).label, match.outcome) for match in matches)
    return {label: {outcome.value: counts[label, outcome] for outcome in Outcome} for label in labels}


def _confusions(matches: Sequence[Match]) -> Counter[tuple[str, str, str]]:
    """Errors by outcome, gold label and predicted label; ``""`` where there is none."""
    return Counter(
        (match.outcome.value, match.gold.label if match.gold else "", match.predicted.label if match.predicted else "")
        for match in matches
        if match.outcome is not Outcome.CORRECT
    )


def _phrases(notes: Sequence[MatchedNote]) -> Counter[tuple[str, str, str]]:
    """Errors by outcome, gold string and predicted string: note text."""
    return Counter(
        (match.outcome.value, _string(note.document, match.gold), _string(note.document, match.predicted))
        for note in notes
        for match in note.errors
    )


def _string(document: Document, span: Entity | None) -> str:
    return " ".join(document.text[span.start : span.end].split()) if span else ""
