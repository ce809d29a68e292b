"""What a whole note says of mentions that its sentences alone do not show.

The CRF sees one sentence at a time. Here a note's other mentions are added, where no token is taken yet:

* an abbreviation, wherever it stands, when the note defines it by a mention ("familial adenomatous polyposis (FAP)"; after
  Schwartz & Hearst 2003, "A simple algorithm for identifying abbreviation definitions in biomedical text"),
* the very words of a mention of at least 4 characters, when they stand elsewhere in the note.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from clinical_ner.documents import ScoredEntity, Token
from clinical_ner.phrases import Phrases

MIN_REPEATED = 4
"""Code points of the shortest mention that is looked for elsewhere; shorter ones are often something else there."""

_MAX_LONG_FORM = 200  # code points; bounds the work for each bracket
_SHORT_FORM = re.compile(r"\(\s?([^\W_][^()\n;,]{1,9}?)\s?[);,]")


class Abbreviation(NamedTuple):
    """Ranges of code points: the short form within its bracket, and the long form before it."""

    short_start: int
    short_end: int
    long_start: int
    long_end: int


def complete(text: str, sentences: Iterable[Sequence[Token]], found: Sequence[ScoredEntity]) -> list[ScoredEntity]:
    """``found`` with the mentions added that follow from them; sorted, not overlapping when ``found`` does not.

    Args:
        text: the note.
        sentences: its tokens.
        found: what the CRF found in it. An added mention has the score of the one that it follows from.
    """
    if not found:
        return []
    tokens = list(chain.from_iterable(sentences))
    starts = [token.start for token in tokens]

    def positions(start: int, end: int) -> range:
        return range(bisect_left(starts, start), bisect_left(starts, end))

    known: dict[tuple[str, ...], ScoredEntity] = {}
    for start, end, source in chain(_defined(text, found), _repeatable(found)):
        known.setdefault(tuple(tokens[position].text for position in positions(start, end)), source)
    taken = {position for entity in found for position in positions(entity.start, entity.end)}
    added = [
        source._replace(start=tokens[first].start, end=tokens[last - 1].end)
        for first, last, source in Phrases(known).find([token.text for token in tokens])
        if taken.isdisjoint(range(first, last))
    ]
    return sorted([*found, *added])


Sighting = tuple[int, int, ScoredEntity]
"""Where the words stand that are to be looked for, and the entity that says what they are."""


def _defined(text: str, found: Sequence[ScoredEntity]) -> Iterator[Sighting]:
    by_span = {(entity.start, entity.end): entity for entity in found}
    for abbreviation in find_abbreviations(text):
        source = by_span.get((abbreviation.long_start, abbreviation.long_end))
        if source:
            yield abbreviation.short_start, abbreviation.short_end, source


def _repeatable(found: Sequence[ScoredEntity]) -> Iterator[Sighting]:
    for entity in sorted(found, key=lambda entity: -entity.score):
        if entity.end - entity.start >= MIN_REPEATED:
            yield entity.start, entity.end, entity


def find_abbreviations(text: str) -> Iterator[Abbreviation]:
    """Abbreviations of 2 to 10 code points in brackets, behind the words that they stand for."""
    for match in _SHORT_FORM.finditer(text):
        short = match.group(1)
        offset = max(0, match.start() - _MAX_LONG_FORM)
        before = text[offset : match.start()].rstrip()
        start = _long_form_start(short, before)
        if start is not None and len(before) - start > len(short):
            yield Abbreviation(*match.span(1), offset + start, offset + len(before))


def _long_form_start(short: str, before: str) -> int | None:
    """Where in ``before`` the long form starts, which ends with it: every letter in order, the first one at a word's start."""
    words = [match.start() for match in re.finditer(r"\S+", before)]
    earliest = words[-min(len(short) + 5, 2 * len(short)) :][:1]
    position = len(before)
    letters = [letter for letter in short.lower() if letter.isalnum()]
    for index in range(len(letters) - 1, -1, -1):
        position -= 1
        while position >= 0 and not (
            before[position].lower() == letters[index] and (index > 0 or _starts_word(before, position))
        ):
            position -= 1
    return position if earliest and position >= earliest[0] else None


def _starts_word(text: str, position: int) -> bool:
    return position == 0 or not text[position - 1].isalnum()
