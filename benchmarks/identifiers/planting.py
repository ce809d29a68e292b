"""Sentences with identifiers between the lines of a note."""

import random
import re
from typing import NamedTuple

from benchmarks.identifiers.values import KIND_OF, Values

_SLOT = re.compile(r"\{([A-Z]+)\}")
SENTENCES_A_NOTE = 4


class Planted(NamedTuple):
    """An identifier put at the half-open code points ``start`` to ``end``, with the sentence that it came in."""

    kind: str
    start: int
    end: int
    sentence: str


class PlantedNote(NamedTuple):
    """A note with its identifiers, and where the sentences lie that were put into it."""

    text: str
    identifiers: list[Planted]
    sentences: list[tuple[int, int]]


def plant(text: str, sentences: tuple[str, ...], values: Values, dice: random.Random) -> PlantedNote:
    """The note with sentences put between its lines."""
    lines: list[tuple[str, list[Planted]] | str] = list(text.split("\n"))
    for _ in range(SENTENCES_A_NOTE):
        lines.insert(dice.randint(0, len(lines)), fill(dice.choice(sentences), values, dice))
    note = PlantedNote("", [], [])
    for line in lines:
        content, found = (line, []) if isinstance(line, str) else line
        start = len(note.text)
        note.identifiers.extend(each._replace(start=each.start + start, end=each.end + start) for each in found)
        if not isinstance(line, str):
            note.sentences.append((start, start + len(content)))
        note = note._replace(text=f"{note.text}{content}\n")
    return note


def fill(sentence: str, values: Values, dice: random.Random) -> tuple[str, list[Planted]]:
    """The sentence with a value in each slot, and the identifiers by their places in it."""
    text, planted, end = "", [], 0
    for slot in _SLOT.finditer(sentence):
        value = values[slot[1]](dice)
        text += sentence[end : slot.start()]
        planted.append(Planted(KIND_OF[slot[1]], len(text), len(text) + len(value), sentence))
        text, end = text + value, slot.end()
    return text + sentence[end:], planted
