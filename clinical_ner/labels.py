"""BIO labels: entities to token labels and back.

``B-`` opens a span, ``I-`` continues it, ``O`` is outside. BIO cannot express two spans over one token, a span whose ends are
not token ends, or one that crosses a sentence; :func:`encode` returns those apart, it never moves them.

The CRF itself is trained on BIOES (:func:`to_bioes`), which tells it more: ``E-`` is the last token of a span of several,
``S-`` the only one of a span. :func:`decode` reads both.
"""

from collections.abc import Sequence
from typing import NamedTuple

from clinical_ner.documents import Entity, Token

OUTSIDE = "O"

Sentences = Sequence[Sequence[Token]]


class Encoding(NamedTuple):
    """``tags[s][t]`` labels token ``t`` of sentence ``s``; ``unalignable`` are the entities that no tag expresses."""

    tags: list[list[str]]
    unalignable: list[Entity]


class TokenSpan(NamedTuple):
    """A labelled half-open range of token positions within one sentence."""

    first: int
    last: int
    label: str

    def entity(self, tokens: Sequence[Token]) -> Entity:
        """The same span in code points of the document's text."""
        return Entity(tokens[self.first].start, tokens[self.last - 1].end, self.label)


def encode(sentences: Sentences, entities: Sequence[Entity]) -> Encoding:
    """Label every token; of overlapping entities the longest is expressed, then the first.

    Without entities every tag is ``O``. Every entity ends up either in the tags or in ``unalignable``, never in both.
    """
    starts = {token.start: (s, t) for s, sentence in enumerate(sentences) for t, token in enumerate(sentence)}
    ends = {token.end: (s, t) for s, sentence in enumerate(sentences) for t, token in enumerate(sentence)}
    tags = [[OUTSIDE] * len(sentence) for sentence in sentences]
    unalignable = []
    for entity in sorted(entities, key=lambda e: (e.start - e.end, e)):
        first, last = starts.get(entity.start), ends.get(entity.end)
        if first is None or last is None or first[0] != last[0] or not _is_free(tags[first[0]], first[1], last[1]):
            unalignable.append(entity)
            continue
        row = tags[first[0]]
        row[first[1]] = f"B-{entity.label}"
        row[first[1] + 1 : last[1] + 1] = [f"I-{entity.label}"] * (last[1] - first[1])
    return Encoding(tags, sorted(unalignable))


def _is_free(tags: list[str], first: int, last: int) -> bool:
    return first <= last and all(tag == OUTSIDE for tag in tags[first : last + 1])


def to_bioes(tags: Sequence[str]) -> list[str]:
    """One sentence's BIO tags in BIOES; the spans are the same."""
    bioes = list(tags)
    for span in decode(tags):
        bioes[span.last - 1] = f"{'S' if span.last - span.first == 1 else 'E'}-{span.label}"
    return bioes


def decode(tags: Sequence[str]) -> list[TokenSpan]:
    """Spans of one sentence's BIO or BIOES tags, read as conlleval does: an ``I-`` or ``E-`` that continues nothing of its
    label opens a span, and whatever does not continue a span ends it.
    """
    spans: list[TokenSpan] = []
    first, current = 0, ""
    for position, tag in enumerate([*tags, OUTSIDE]):
        label = tag[2:]
        if current and not (tag.startswith(("I-", "E-")) and label == current):
            spans.append(TokenSpan(first, position, current))
            current = ""
        if label and not current:
            first, current = position, label
        if current and tag.startswith(("E-", "S-")):
            spans.append(TokenSpan(first, position + 1, current))
            current = ""
    return spans
