"""The story of a whole loop (HTML): what happened step by step, with the reports of each, and what the new version gained."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from clinical_ner.documents import Document
from clinical_ner.evaluation.matching import match_spans
from clinical_ner.reports.highlighting import highlight
from clinical_ner.reports.rollout_story import HEIGHT, WIDTH, RolloutStory
from clinical_ner.reports.theme import render_html
from clinical_ner.tagger import Annotation


@dataclass(frozen=True, slots=True)
class Link:
    """A report's name, and its address as seen from the page."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, in sentences; ``outcome`` is one word or two for the badge, ``command`` what does the same by hand."""

    title: str
    seconds: float
    sentences: Sequence[str]
    outcome: str
    tone: str
    """``fine``, ``note``, ``warning`` or ``problem``."""
    links: Sequence[Link] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Gain:
    """Strict F1 of two versions on one kind of entity, with the 95 % interval of the difference."""

    name: str
    gold_spans: int
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Example:
    """A note with what both versions found in it, as HTML; holds note text."""

    id: str
    before: Markup
    after: Markup


def render_story(  # the parts of a page
    steps: Sequence[Step],
    gains: Sequence[Gain],
    example: Example,
    *,
    versions: tuple[str, str],
    notes: int,
    shift: str,
    rollouts: Sequence[RolloutStory] = (),
) -> str:
    """One HTML page. ``gains`` has all entities first; they were measured on ``notes`` notes under ``shift``."""
    return render_html(
        "story",
        title="From drift to a better model",
        steps=steps,
        gains=gains,
        example=example,
        versions=versions,
        notes=notes,
        shift=shift,
        rollouts=rollouts,
        drawing=(WIDTH, HEIGHT),
        seconds=sum(step.seconds for step in steps),
    )


def link_to(path: str | Path, page: Path) -> Link:
    """A link from ``page`` to a file or folder; its name is the file's, in words."""
    target = Path(path)
    return Link(target.stem.replace("_", " "), Path(os.path.relpath(target, page.parent)).as_posix())


def make_example(note: Document, before: Annotation, after: Annotation) -> Example:
    """``note`` as both versions read it."""
    labels = sorted({span.label for spans in (note.entities, before.entities, after.entities) for span in spans})
    index = {label: number for number, label in enumerate(labels)}
    return Example(note.id, *(_mark(note, annotation, index) for annotation in (before, after)))


def _mark(note: Document, annotation: Annotation, index: dict[str, int]) -> Markup:
    matches = match_spans(note.entities, [found.entity for found in annotation.entities])
    return highlight(note.text, matches, {found.entity: found.score for found in annotation.entities}, index)
