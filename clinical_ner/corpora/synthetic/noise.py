"""What hurry does to words: misspellings, and the shorthand of a telegraphic writer."""

import re

from clinical_ner.corpora.synthetic.dice import Dice

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
    return dice.pick((*variants, head + dice.pick("aeiounrst") + after + tail))
