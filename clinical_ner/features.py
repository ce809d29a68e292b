"""Features of tokens for the CRF, the same code for training and serving.

A feature is a string that is present or absent. Groups of them are switched by a :class:`FeatureSpec`, which travels with the
model:

========  =========================================================================================================
word      the lower-cased word
shape     its case and character pattern (``Crohn`` -> ``Xx``, ``B12`` -> ``Xd``), whether it has digits, is punctuation
affix     prefixes of 1 to 5 and suffixes of 1 to 6 characters (drug stems: ``-olol``, ``-mab``; diseases: ``-itis``)
ngram     all runs of 3 and 4 characters (``hyper-``, ``-cardi-``, ``-sulf-``), the word's ends marked
context   word, shape and suffix of the neighbours up to ``window`` tokens away
bigram    pairs of neighbouring words and of their suffixes
position  first and last token of a sentence
gazetteer terms known beforehand, where there are any (see :mod:`clinical_ner.gazetteer`)
========  =========================================================================================================
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from sys import intern

from pydantic import BaseModel, ConfigDict, Field, field_validator

from clinical_ner.errors import ConfigError
from clinical_ner.gazetteer import EMPTY, Gazetteer

GROUPS = ("word", "shape", "affix", "ngram", "context", "bigram", "position", "gazetteer")

_PREFIX_LENGTHS = (1, 2, 3, 4, 5)
_SUFFIX_LENGTHS = (1, 2, 3, 4, 5, 6)
_NGRAM_LENGTHS = (3, 4)
_LONGEST_WORD = 60  # characters that n-grams are taken of
_CACHED_WORDS = 65_536


class FeatureSpec(BaseModel):
    """Which features a model uses, and whether its findings are completed over the note; part of its payload."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, ...] = GROUPS
    window: int = Field(default=2, ge=1, le=4)
    complete: bool = True
    """Mentions that follow from others are added (see :mod:`clinical_ner.postprocess`)."""

    @field_validator("groups")
    @classmethod
    def _known_and_sorted(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(groups) - set(GROUPS))
        if unknown or not groups:
            raise ValueError(f"feature groups {', '.join(unknown) or '(none)'}: known are {', '.join(GROUPS)}")
        return tuple(group for group in GROUPS if group in groups)

    @classmethod
    def parse(cls, text: str) -> "FeatureSpec":
        """Read the pipeline parameter: comma-separated groups, or ``all``.

        Raises:
            ConfigError: a group is unknown; the message lists the known ones.
        """
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        try:
            return cls(groups=GROUPS if names == ("all",) else names)
        except ValueError as error:
            raise ConfigError(f"feature_groups: {text!r} is not a list of {', '.join(GROUPS)}, nor 'all'") from error


def extract(words: Sequence[str], spec: FeatureSpec, gazetteer: Gazetteer = EMPTY) -> list[list[str]]:
    """Features of each word of one sentence, ``len(words)`` lists of distinct strings; no words give no lists."""
    own = [_word_features(word, spec.groups) for word in words]
    rows = [["bias", *features] for features in own]
    if "context" in spec.groups:
        _add_context(rows, words, spec.window)
    if "bigram" in spec.groups:
        _add_bigrams(rows, words)
    if "position" in spec.groups and rows:
        rows[0].append("BOS")
        rows[-1].append("EOS")
    if "gazetteer" in spec.groups:
        for row, features in zip(rows, gazetteer.features(words), strict=True):
            row.extend(features)
    return rows


@lru_cache(maxsize=_CACHED_WORDS)
def _word_features(word: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    lower = word.lower()
    features = []
    if "word" in groups:
        features.append(f"w={lower}")
    if "shape" in groups:
        features += [f"shape={shape(word)}", f"kind={_kind(word)}"]
    if "affix" in groups:
        features += [f"pre={lower[:n]}" for n in _PREFIX_LENGTHS if len(lower) > n]
        features += [f"suf={lower[-n:]}" for n in _SUFFIX_LENGTHS if len(lower) > n]
    if "ngram" in groups:
        features += _ngrams(f"^{lower[:_LONGEST_WORD]}$")
    return tuple(features)


def _ngrams(marked: str) -> Iterable[str]:
    grams = (marked[start : start + n] for n in _NGRAM_LENGTHS for start in range(len(marked) - n + 1))
    return dict.fromkeys(intern(f"ng={gram}") for gram in grams)  # words share them: the cache would hold each many times


def shape(word: str) -> str:
    """Character pattern with runs collapsed: upper ``X``, lower ``x``, digit ``d``, others as they are."""
    mapped = re.sub(r"\d+", "d", re.sub(r"[^\W\d_]+", _letters, word))
    return mapped[:12]


def _letters(match: re.Match[str]) -> str:
    letters = match.group()
    if letters.isupper():
        return "X" if len(letters) == 1 else "XX"
    if letters.islower():
        return "x"
    return "Xx" if letters[1:].islower() else "xXx"


def _kind(word: str) -> str:
    if word.isalpha():
        return f"alpha{min(len(word), 5)}"
    if word.isdigit():
        return f"digits{min(len(word), 4)}"
    return "mixed" if any(character.isalnum() for character in word) else "punctuation"


@lru_cache(maxsize=_CACHED_WORDS)
def _neighbour_features(word: str, offset: int) -> tuple[str, ...]:
    lower = word.lower()
    features = [f"{offset:+d}w={lower}"]
    if abs(offset) == 1:
        features += [f"{offset:+d}shape={shape(word)}", f"{offset:+d}suf={lower[-3:]}"]
    return tuple(features)


def _add_context(rows: list[list[str]], words: Sequence[str], window: int) -> None:
    for position, row in enumerate(rows):
        for offset in range(-window, window + 1):
            neighbour = position + offset
            if offset and 0 <= neighbour < len(words):
                row.extend(_neighbour_features(words[neighbour], offset))


def _add_bigrams(rows: list[list[str]], words: Sequence[str]) -> None:
    lowered = [word.lower() for word in words]
    for position in range(1, len(rows)):
        before, word = lowered[position - 1], lowered[position]
        rows[position] += (f"-1|0={before}|{word}", f"-1|0suf={before[-3:]}|{word[-3:]}")
        rows[position - 1] += (f"0|+1={before}|{word}", f"0|+1suf={before[-3:]}|{word[-3:]}")
