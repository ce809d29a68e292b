"""The small grammar language in which the synthetic notes are written (``grammar/*.txt``).

::

    # a comment
    course = acute | chronic | 3* recurrent      even choice; "3*" makes an alternative three times as likely
    joint ~ knee | hip | shoulder                choice with a heavy tail: weight 1 / (position + 2) ** 1.5
    course? = - | {course}                       "-" is nothing
    disease.joint = {course?} {joint} arthritis  {name} is replaced by a choice of that rule
        | frozen {joint}                         an indented line continues the rule
    dose = {5..80} mg                            a whole number, both ends included
    history = PMH: <disease!known>, <disease>    <name> is a mention: a gold span labelled by the name's first part
    drug = {drug.SPECIALTY}                      SPECIALTY is the specialty of the note

A mention's ``!mode`` says how it is chosen (:mod:`clinical_ner.corpora.synthetic.mentions`).
"""

import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import NamedTuple

from clinical_ner.corpora.synthetic.dice import Dice
from clinical_ner.errors import ConfigError

_RULE = re.compile(r"(?P<name>[\w.?-]+) (?P<kind>[=~]) (?P<body>.+)")
_WEIGHT = re.compile(r"(\d+)\* ")
_PART = re.compile(r"\{(?P<low>\d+)\.\.(?P<high>\d+)\}|\{(?P<symbol>[\w.?-]+)\}|<(?P<mention>[\w.?-]+)(?:!(?P<mode>\w+))?>")
_LINE_BREAK = re.compile(r" *\\n *")
SPECIALTY = "SPECIALTY"


class Kind(Enum):
    """What a part of an alternative stands for."""

    TEXT = "text"
    SYMBOL = "symbol"
    NUMBER = "number"
    MENTION = "mention"


class Part(NamedTuple):
    """One part of an alternative: literal text, a rule's name, a range of numbers or a mention."""

    kind: Kind
    value: str
    mode: str = ""
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Alternatives and their cumulative probabilities (the last one is 1)."""

    alternatives: tuple[tuple[Part, ...], ...]
    cumulative: tuple[float, ...]

    def choose(self, dice: Dice) -> tuple[Part, ...]:
        return self.alternatives[min(bisect(self.cumulative, dice.fraction()), len(self.alternatives) - 1)]


class Grammar:
    """Rules by name, each of which refers to rules that exist."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        """Raises :class:`ConfigError` when an alternative names a rule that does not exist."""
        self._rules = rules
        for name, rule in rules.items():
            for part in (part for alternative in rule.alternatives for part in alternative):
                if part.value not in rules and part.kind in (Kind.SYMBOL, Kind.MENTION):
                    raise ConfigError(f"grammar: rule {name!r} refers to {part.value!r}, which is no rule")

    def expand(self, name: str, dice: Dice) -> list[Part]:
        """Text and mentions, in order, that one random expansion of the rule consists of."""
        parts: list[Part] = []
        self._expand_into(parts, name, dice)
        return parts

    def _expand_into(self, parts: list[Part], name: str, dice: Dice) -> None:
        for part in self._rules[name].choose(dice):
            if part.kind is Kind.SYMBOL:
                self._expand_into(parts, part.value, dice)
            elif part.kind is Kind.NUMBER:
                parts.append(Part(Kind.TEXT, str(dice.between(part.low, part.high))))
            else:
                parts.append(part)

    def phrase(self, name: str, dice: Dice) -> str:
        """One random expansion of a rule without mentions, as text with single spaces."""
        return " ".join("".join(part.value for part in self.expand(name, dice)).split())

    def most_specific(self, name: str) -> str:
        """``name``, or what is left of it after dropping last parts until a rule has that name."""
        while name not in self._rules and name:
            name = name.rpartition(".")[0]
        return name


@cache
def load_grammar(names: tuple[str, ...], specialty: str) -> Grammar:
    """The rules of ``grammar/<name>.txt`` for each name; a rule of a later file replaces that of an earlier one."""
    rules: dict[str, Rule] = {}
    for name in names:
        source = (files(__package__) / "grammar" / f"{name}.txt").read_text(encoding="utf-8")
        rules.update(parse_rules(source.replace(SPECIALTY, specialty)))
    return Grammar(rules)


def parse_rules(source: str) -> dict[str, Rule]:
    """Rules by name from the text of a grammar file.

    Raises:
        ConfigError: a line is neither a rule, the continuation of one, a comment nor empty; the message quotes it.
    """
    rules = {}
    for line in _join_continuations(source):
        match = _RULE.fullmatch(line)
        if match is None:
            raise ConfigError(f"grammar: not a rule: {line!r}")
        rules[match["name"]] = _parse_rule(match["body"], heavy_tail=match["kind"] == "~")
    return rules


def _join_continuations(source: str) -> list[str]:
    lines: list[str] = []
    for line in source.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" ") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    return lines


def _parse_rule(body: str, *, heavy_tail: bool) -> Rule:
    alternatives, weights = [], []
    for position, text in enumerate(body.split(" | ")):
        weight = _WEIGHT.match(text)
        alternatives.append(tuple(_parse_parts(text[weight.end() :] if weight else text)))
        weights.append(1 / (position + 2) ** 1.5 if heavy_tail else float(weight[1]) if weight else 1.0)
    total = sum(weights)
    return Rule(tuple(alternatives), tuple(accumulate(weight / total for weight in weights)))


def _parse_parts(text: str) -> Iterator[Part]:
    text = "" if text.strip() == "-" else _LINE_BREAK.sub("\n", text.strip())
    position = 0
    for match in _PART.finditer(text):
        if match.start() > position:
            yield Part(Kind.TEXT, text[position : match.start()])
        position = match.end()
        if match["symbol"]:
            yield Part(Kind.SYMBOL, match["symbol"])
        elif match["mention"]:
            yield Part(Kind.MENTION, match["mention"], mode=match["mode"] or "")
        else:
            yield Part(Kind.NUMBER, "", low=int(match["low"]), high=int(match["high"]))
    if position < len(text):
        yield Part(Kind.TEXT, text[position:])
