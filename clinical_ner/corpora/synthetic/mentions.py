"""Mentions of one note: new names, the patient's own, abbreviations and what was said before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clinical_ner.corpora.synthetic.dice import Dice
from clinical_ner.corpora.synthetic.grammar import Grammar
from clinical_ner.corpora.synthetic.noise import misspell

MISSPELLED_NAMES = 0.03
LABELS = ("DISEASE", "TREATMENT")
SHORT_WORDS = frozenset("of the and with to by for in plus x".split())


class Piece(NamedTuple):
    """Text to write, and the label of the mention that it is; no label for plain text."""

    text: str
    label: str = ""


class Said(NamedTuple):
    """A name that the note has mentioned, and the abbreviation that it introduced for it, if any."""

    name: str
    abbreviation: str = ""


class Namer:
    """Makes up names. A replaced name uses up the same randomness as the original, so all other names stay."""

    def __init__(self, grammar: Grammar, dice: Dice, novelty: Dice, new_share: float) -> None:
        self.dice = dice
        self._grammar = grammar
        self._novelty = novelty
        self._new_share = new_share

    def name(self, rule: str) -> str:
        """A name by ``rule``, or with a probability of ``new_share`` one by the nearest ``new.<rule>``."""
        name = self._grammar.phrase(rule, self.dice)
        if not self._novelty.chance(self._new_share):
            return name
        return self._grammar.phrase(self._grammar.most_specific(f"new.{rule}"), self._novelty)


def kind_of(rule: str) -> str:
    """``treatment.drug`` -> ``TREATMENT``: its label if there is one of that name, else a kind of plain text."""
    return rule.partition(".")[0].upper()


@dataclass(frozen=True, slots=True)
class Mentions:
    """Writes what one note mentions by name (also findings and tests, which get no label) and remembers it, by kind."""

    namers: Mapping[str, Namer]
    known: Mapping[str, Sequence[str]]
    """The patient's own problems and drugs."""
    said: Mapping[str, list[Said]]

    def write(self, rule: str, mode: str) -> list[Piece]:
        """Pieces of one mention; ``mode`` is empty, ``known``, ``intro`` or ``again``.

        ``intro`` gives a name and its abbreviation in brackets, two spans, where the name has words enough to abbreviate.
        ``again`` repeats a mention of this note, abbreviated where an abbreviation was introduced; the first mention of a
        kind is a new name.
        """
        kind = kind_of(rule)
        label = kind if kind in LABELS else ""
        said = self._choose(rule, mode, kind)
        repeats = said in self.said[kind]
        self.said[kind].append(said)
        text = misspell(said.name, MISSPELLED_NAMES, self.namers[kind].dice)
        if said.abbreviation and mode == "intro":
            return [Piece(text, label), Piece(" ("), Piece(said.abbreviation, label), Piece(")")]
        return [Piece(said.abbreviation if repeats and said.abbreviation else text, label)]

    def _choose(self, rule: str, mode: str, kind: str) -> Said:
        dice = self.namers[kind].dice
        if mode == "again" and self.said[kind]:
            return dice.pick(self.said[kind])
        if mode == "known":
            return Said(dice.pick(self.known[kind]))
        name = self.namers[kind].name(rule)
        return Said(name, abbreviate(name) if mode == "intro" else "")


def abbreviate(name: str) -> str:
    """Initials of the words that count; empty unless there are two to five of them and they make letters."""
    initials = "".join(word[0] for word in name.split() if word.lower() not in SHORT_WORDS).upper()
    return initials if 2 <= len(initials) <= 5 and initials.isalpha() else ""
