"""Replacing identifiers by placeholders, and moving predictions to where their text is afterwards. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from clinical_ner.documents import ScoredEntity


class Kind(StrEnum):
    """What an identifier is; ``[KIND]`` takes its place. After 45 CFR 164.514(b)(2)(i), the HIPAA safe-harbor list."""

    NAME = "NAME"
    DATE = "DATE"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    ID = "ID"
    """Record, account, insurance, licence and device numbers."""
    AGE = "AGE"
    """Over 89 only."""
    EMAIL = "EMAIL"
    URL = "URL"
    IP = "IP"


class Identifier(NamedTuple):
    """An identifier at the half-open code points ``start`` to ``end``."""

    start: int
    end: int
    kind: Kind

    @property
    def placeholder(self) -> str:
        return f"[{self.kind}]"


class Moved(NamedTuple):
    """Entities at their offsets in the de-identified text; ``dropped`` counts those that shared text with an identifier."""

    entities: tuple[ScoredEntity, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class DeidentifiedText:
    """A text with placeholders for ``identifiers``, which are sorted, apart, and have offsets into the text before."""

    text: str = field(repr=False)
    identifiers: tuple[Identifier, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many identifiers of each kind were replaced."""
        return dict(sorted(Counter(str(identifier.kind) for identifier in self.identifiers).items()))

    def move(self, entities: Iterable[ScoredEntity]) -> Moved:
        """Entities of the text before, where their very text stands in this one; those in or over an identifier are dropped."""
        given = list(entities)
        starts = [identifier.start for identifier in self.identifiers]
        shifts = [0]
        for identifier in self.identifiers:
            shifts.append(shifts[-1] + len(identifier.placeholder) - (identifier.end - identifier.start))
        moved = []
        for entity in given:
            before = bisect_right(starts, entity.start)
            inside_last = before > 0 and self.identifiers[before - 1].end > entity.start
            reaches_next = before < len(starts) and starts[before] < entity.end
            if not inside_last and not reaches_next:
                shift = shifts[before]
                moved.append(entity._replace(start=entity.start + shift, end=entity.end + shift))
        return Moved(tuple(moved), len(given) - len(moved))


def replace_identifiers(text: str, identifiers: Iterable[Identifier]) -> DeidentifiedText:
    """``text`` with a placeholder for every identifier; of those that overlap :func:`merge` makes one."""
    merged = merge(identifiers)
    pieces, end = [], 0
    for identifier in merged:
        pieces += [text[end : identifier.start], identifier.placeholder]
        end = identifier.end
    return DeidentifiedText("".join([*pieces, text[end:]]), tuple(merged))


def merge(identifiers: Iterable[Identifier]) -> Sequence[Identifier]:
    """Identifiers in order and apart: of those that overlap one is made, of the kind of the longest, and covers all."""
    merged: list[Identifier] = []
    longest = 0
    for each in sorted(identifiers):
        length = each.end - each.start
        if not merged or each.start >= merged[-1].end:
            merged.append(each)
            longest = length
            continue
        last = merged[-1]
        kind = each.kind if length > longest else last.kind
        longest = max(longest, length)
        merged[-1] = Identifier(last.start, max(last.end, each.end), kind)
    return merged
