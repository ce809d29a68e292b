"""A note's text with gold and predicted spans marked, by displaCy.

displaCy's entity renderer draws disjoint spans. Gold and predicted spans overlap, so the text is cut wherever one begins or
ends; each piece carries the classes of what covers it (``gold``, ``predicted`` and the outcome), and the last piece of a
match is followed by a tag that names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup, escape
from spacy.displacy.render import EntityRenderer

from clinical_ner.documents import Entity
from clinical_ner.evaluation.matching import Match, Outcome

_RENDERER = EntityRenderer({"template": '<mark class="{classes}" data-keys="{keys}">{text}</mark>{tags}'})
# Browsers read a carriage return as another line break, and control characters as errors; one for one keeps offsets.
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}") | {9: "\t", 10: "\n", 13: " "}

LabelIndex = Mapping[str, int]


def highlight(text: str, matches: Sequence[Match], scores: Mapping[Entity, float], index: LabelIndex) -> Markup:
    """``text`` as escaped HTML with every span of ``matches`` marked.

    ``scores`` are those of the predicted spans; ``index`` numbers the labels, and makes the keys by which pieces are filtered.
    """
    pieces = [_piece(start, end, covering, scores, index) for start, end, covering in _cut(matches)]
    # Not `displacy.render`: it keeps the last note in a module variable.
    return Markup(_RENDERER.render_ents(text.translate(_CONTROLS), pieces, None))  # noqa: S704  displaCy escapes the text


def keys(match: Match, index: LabelIndex) -> list[str]:
    """``outcome:label number`` for each label of a match: what filters compare."""
    labels = {span.label for span in (match.gold, match.predicted) if span}
    return sorted(f"{match.outcome}:{index[label]}" for label in labels)


def end_of(match: Match) -> int:
    return max(span.end for span in (match.gold, match.predicted) if span)


def describe(match: Match, score: float | None) -> str:
    """``DISEASE``, ``missed DISEASE``, ``DISEASE not TREATMENT``, ... with the score of what was predicted."""
    gold, predicted = match.gold, match.predicted
    shown = "" if score is None else f" {score:.2f}"
    if predicted is None:
        return f"missed {gold.label}" if gold else ""
    if gold is None:
        return f"spurious {predicted.label}{shown}"
    if match.outcome is Outcome.LABEL:
        return f"{gold.label} read as {predicted.label}{shown}"
    return f"{'boundary ' if match.outcome is Outcome.BOUNDARY else ''}{predicted.label}{shown}"


def _cut(matches: Sequence[Match]) -> Iterator[tuple[int, int, list[Match]]]:
    """Pieces of text that some span covers, in order, each with the matches that do."""
    spans = [(span, match) for match in matches for span in (match.gold, match.predicted) if span]
    bounds = sorted({bound for span, _ in spans for bound in (span.start, span.end)})
    for start, end in pairwise(bounds):
        covering = [match for span, match in spans if span.start <= start and end <= span.end]
        if covering:
            yield start, end, list(dict.fromkeys(covering))


def _piece(start: int, end: int, covering: list[Match], scores: Mapping[Entity, float], index: LabelIndex) -> dict[str, Any]:
    def covered_by(spans: Iterator[Entity | None]) -> bool:
        return any(span is not None and span.start <= start and end <= span.end for span in spans)

    shortest = min(covering, key=_length)
    classes = [
        shortest.outcome.value,
        *(["gold"] if covered_by(match.gold for match in covering) else []),
        *(["predicted"] if covered_by(match.predicted for match in covering) else []),
    ]
    tags = [_tag(match, scores, index) for match in covering if end_of(match) == end]
    found = sorted({key for match in covering for key in keys(match, index)})
    params = {"classes": " ".join(classes), "keys": " ".join(found), "tags": "".join(tags)}
    return {"start": start, "end": end, "label": "", "params": params}


def _length(match: Match) -> int:
    return max(span.end - span.start for span in (match.gold, match.predicted) if span)


def _tag(match: Match, scores: Mapping[Entity, float], index: LabelIndex) -> Markup:
    score = scores.get(match.predicted) if match.predicted else None
    name = describe(match, score)
    return Markup('<span class="tag {}" data-keys="{}">{}</span>').format(
        match.outcome, " ".join(keys(match, index)), escape(name)
    )
