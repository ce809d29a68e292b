"""Finding known phrases in a sequence of words, in one pass."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

MAX_PHRASE_WORDS = 12
"""Longer phrases are not kept: they hardly occur twice, and the time of a search grows with the longest."""

ValueT = TypeVar("ValueT")


class PhraseMatch(NamedTuple, Generic[ValueT]):
    """A known phrase at the half-open range of positions ``first`` to ``last``."""

    first: int
    last: int
    value: ValueT


class Phrases(Generic[ValueT]):
    """Phrases, each a tuple of words with a value. A search looks at every position at most :data:`MAX_PHRASE_WORDS` times."""

    def __init__(self, values: Mapping[tuple[str, ...], ValueT]) -> None:
        self._values = {phrase: value for phrase, value in values.items() if 0 < len(phrase) <= MAX_PHRASE_WORDS}
        self._longest: dict[str, int] = {}  # by first word
        for phrase in self._values:
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 0))

    def find(self, words: Sequence[str]) -> Iterator[PhraseMatch[ValueT]]:
        """The longest phrase at each position, from left to right; matches do not overlap."""
        free = 0
        for position, word in enumerate(words):
            if position >= free and word in self._longest:
                match = self._match(words, position)
                if match:
                    free = match.last
                    yield match

    def _match(self, words: Sequence[str], first: int) -> PhraseMatch[ValueT] | None:
        longest = min(self._longest[words[first]], len(words) - first)
        for last in range(first + longest, first, -1):
            value = self._values.get(tuple(words[first:last]))
            if value is not None:
                return PhraseMatch(first, last, value)
        return None
