"""What hurry does to words: misspellings, and the shorthand of a telegraphic writer."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from clinical_ner.corpora.synthetic.dice import Dice

CLIPPED_LENGTH = 9
_WORD = re.compile(r"[a-z]+")
_VOWELS = re.compile(r"[aeiou]")
_LONG_WORD = re.compile(r"\b[A-Za-z][a-z]{5,}\b")


def misspell(text: str, probability: float, dice: Dice) -> str:
    """Misspell each word of six or more letters with that probability: a letter lost, doubled, swapped or wrong.

    The first letter is kept, as most typists keep it.
    """
    return _LONG_WORD.sub(lambda match: _misspell_word(match[0], dice) if dice.chance(probability) else match[0], text)


def _misspell_word(word: str, dice: Dice) -> str:
    position = dice.between(1, len(word) - 2)
    head, letter, after, tail = word[:position], word[position], word[position + 1], word[position + 2 :]
    variants = (head + after + tail, head + letter + letter + after + tail, head + after + letter + tail)
    return dice.pick((*variants, head + dice.pick("aeiounrst".replace(letter, "")) + after + tail))


def shorten(text: str) -> str:
    """Lower-case ``text`` and clip the words of ``grammar/shorthand.txt``; other long words lose some of their vowels."""
    return _WORD.sub(lambda match: _load_shorthand().get(match[0]) or _clip(match[0]), text.lower())


def _clip(word: str) -> str:
    """Words of nine or more letters without the vowels of their middle."""
    return word[:3] + _VOWELS.sub("", word[3:-3]) + word[-3:] if len(word) >= CLIPPED_LENGTH else word


@cache
def _load_shorthand() -> Mapping[str, str]:
    lines = (files(__package__) / "grammar" / "shorthand.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))
