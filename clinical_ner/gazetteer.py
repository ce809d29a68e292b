"""Terms that are known beforehand (an ontology's names, the mentions of another corpus) as features of words.

A term list says what may be an entity, not that it is one: its terms become features, and training weighs them. Words are
compared in lower case and without a plural's ending. Two kinds of features, each also of the words before and after:

====== ===========================================================================================================
g=     the word lies in the longest term at its place: class of the term, and S (single word), B, I or E
gh=    terms end in this word (``disease``, ``-itis``): class, and how many on a scale of 1, 2 to 4, 5 to 19, more
gi=    terms hold this word, not at their end (``renal``): the same
====== ===========================================================================================================
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import orjson
from pydantic import TypeAdapter

from clinical_ner.phrases import Phrases
from clinical_ner.tokenization import Tokenizer

_TERMS = TypeAdapter(dict[str, list[str]])
_MIN_SINGLE_WORD = 3  # one- and two-letter terms are abbreviations of too much
_BINS = ((20, 4), (5, 3), (2, 2), (1, 1))


class Gazetteer:
    """Terms by class. An empty one gives no features."""

    def __init__(self, terms: Mapping[str, Sequence[str]]) -> None:
        """``terms`` are normalized: what :meth:`from_terms` made of them."""
        self.terms = terms
        classes: dict[tuple[str, ...], tuple[str, ...]] = {}
        for name in sorted(terms):
            for term in terms[name]:
                phrase = tuple(term.split(" "))
                classes[phrase] = (*classes.get(phrase, ()), name)
        self._phrases = Phrases(classes)

    @classmethod
    def from_terms(cls, terms: Mapping[str, Iterable[str]]) -> "Gazetteer":
        """Normalize terms as they stand in a list; of a single word they have at least 3 characters."""
        tokenizer = Tokenizer()
        normalized = {name: {_normalize(term, tokenizer) for term in values} for name, values in terms.items()}
        return cls({name: sorted(term for term in normalized[name] if _is_telling(term)) for name in sorted(terms)})

    @classmethod
    def from_json(cls, data: bytes) -> "Gazetteer":
        """Read what :meth:`to_json` wrote; ValueError when it is something else."""
        return cls(_TERMS.validate_json(data, strict=True))

    def to_json(self) -> bytes:
        return orjson.dumps(self.terms, option=orjson.OPT_SORT_KEYS)

    def features(self, words: Sequence[str]) -> list[list[str]]:
        """Features of each word of one sentence, those of its neighbours among them."""
        if not self.terms:
            return [[] for _ in words]
        folded = [fold(word) for word in words]
        own = [list(self._word_features.get(word, ())) for word in folded]
        for match in self._phrases.find(folded):
            for position in range(match.first, match.last):
                own[position] += [f"g={name}:{_place(position, match.first, match.last)}" for name in match.value]
        before, after = [[], *own[:-1]], [*own[1:], []]
        return [
            [*row, *(f"-1{feature}" for feature in left), *(f"+1{feature}" for feature in right)]
            for left, row, right in zip(before, own, after, strict=True)
        ]

    @cached_property
    def _word_features(self) -> dict[str, tuple[str, ...]]:
        counts: Counter[tuple[str, str]] = Counter()
        for name, terms in self.terms.items():
            for term in terms:
                *inside, head = term.split(" ")
                counts[head, f"gh={name}"] += 1
                counts.update((word, f"gi={name}") for word in inside)
        features: dict[str, tuple[str, ...]] = {}
        for (word, feature), count in sorted(counts.items()):
            features[word] = (*features.get(word, ()), f"{feature}{_bin(count)}")
        return features


EMPTY = Gazetteer({})


def fold(word: str) -> str:
    """The word in lower case, without an English plural's ending: ``Tumours`` -> ``tumour``, ``biopsies`` -> ``biopsy``."""
    lower = word.lower()
    if len(lower) > 3 and lower.endswith("ies"):
        return lower[:-3] + "y"
    return lower[:-1] if len(lower) > 3 and lower[-1] == "s" and lower[-2] not in "sui" else lower


def _normalize(term: str, tokenizer: Tokenizer) -> str:
    return " ".join(fold(token.text) for token in tokenizer.tokens(term))


def _is_telling(term: str) -> bool:
    return " " in term or len(term) >= _MIN_SINGLE_WORD


def _place(position: int, first: int, last: int) -> str:
    if last - first == 1:
        return "S"
    return "B" if position == first else "E" if position == last - 1 else "I"


def _bin(count: int) -> int:
    return next(value for least, value in _BINS if count >= least)
