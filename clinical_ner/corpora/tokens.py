"""Text and offsets of corpora that come as tokens, whose original spacing is lost: tokens are joined by single spaces."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clinical_ner.documents import Entity


class TokenSpan(NamedTuple):
    """The tokens ``first`` to ``last``, both included, of one sentence."""

    first: int
    last: int
    label: str


def join_sentence(tokens: Sequence[str], spans: Iterable[TokenSpan], *, offset: int = 0) -> tuple[str, list[Entity]]:
    """A sentence's text and its spans as entities of it, shifted by ``offset`` code points.

    ``text[entity.start - offset : entity.end - offset]`` is the span's tokens joined by single spaces.
    """
    starts = []
    position = offset
    for token in tokens:
        starts.append(position)
        position += len(token) + 1
    entities = [Entity(starts[span.first], starts[span.last] + len(tokens[span.last]), span.label) for span in spans]
    return " ".join(tokens), entities
