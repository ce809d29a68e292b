"""Names that are on no list: capitalised words that no note would write so otherwise, in pairs or where people stand.

A pair such as "Mirek Jankowski" is enough by itself; a single word needs a cue beside it: what only people do ("Mirek
reports"), or whom a note names ("operator Jankowski"). Words of notes, of medicine and with an ending of either are never
names here: a drug that was taken for a name is hidden from the annotators, who look for nothing but drugs and diseases.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import regex  # type: ignore[import-untyped]

from clinical_ner.deidentify.names import frequent_names
from clinical_ner.deidentify.person_cues import AFTER, BEFORE, SURNAME_FIRST
from clinical_ner.deidentify.replacement import Identifier, Kind

_CAPITALISED = r"(?:(?:Mc|Mac|O['\u2019]|D['\u2019]|Fitz)?\p{Lu}[\p{Ll}\p{M}]{1,24})"
_UPPER = r"(?:(?:O['\u2019]|D['\u2019])?\p{Lu}{3,20})"
_WORD = rf"(?:{_CAPITALISED}|{_UPPER})(?:-(?:{_CAPITALISED}|{_UPPER})){{0,2}}(?![\w-])"
_LINK = r"(?: (?:\p{Lu}\.? )?(?:(?:van|von|de|del|della|di|da|dos|du|la|le|bin|ibn|al|el|ter|den|der) ){0,2})"
_WORDS = regex.compile(rf"(?<![\w'\u2019.@-]|\p{{L}}[.])(?:{_WORD})")
_BETWEEN = regex.compile(_LINK)

_ENGLISH_ENDINGS = regex.compile(
    r"(?:tions?|sions?|ments?|ness|ity|ities|ism|ings?|ly|ous|ive|ical|ics?|able|ible|less|ful|ance|ence|ency|ated|ised|ized|ened|ered|"
    r"cted|nted|sted|ined|ured|ysed|lled|rred|aged|osed|uted|[bdgklnprstvwz]ed|national|ular|ology|ologist|iatric)$"
)
_MEDICAL_ENDINGS = regex.compile(
    r"(?:mab|nib|pril|sartan|statin|olol|cillin|mycin|micin|floxacin|azole|tidine|setron|triptan|dipine|xaban|gatran|gliptin|"
    r"gliflozin|glutide|parin|cycline|[aeiou]vir|oxetine|ipramine|triptyline|pine|zepam|zolam|barbital|caine|amide|azide|thiazide|"
    r"semide|olone|asone|sone|xone|cept|[dt]ine|fene|onide|terol|phylline|dronate|platin|rubicin|taxel|citabine|oprine|profen|fenac|"
    r"oxicam|parib|ciclib|therap(?:y|ies)|globulins?|itis|osis|asis|[ae]mia|uria|oma|omas|[ou]sum|osus|ema|orme|omata|"
    r"pathy|algia|plegia|paresis|penia|cytes?|"
    r"cytosis|megaly|sclerosis|stenosis|trophy|plasia|phasia|phagia|pn[o]?ea|ectomy|otomy|ostomy|scopy|graphy|gram|iasis|rrhea|rrhoea|"
    r"rrhage|coccus|bacter|virus|emesis|ectasis|ptysis|thorax|cardia|tension|toxin|globin|gonadism|natremia)$"
)
_EPONYM = regex.compile(
    r"(?:['\u2019]s)?[ -](?:disease|syndrome|sign|test|fracture|palsy|criteria|procedure|operation|catheter|tumou?r|lymphoma|"
    r"sarcoma|an[a]?emia|score|scale|classification|stain|bod(?:y|ies)|cells?|lines?|tube|hernia|reflex|"
    r"fever|strain|flu|variant|agent|cluster|clade|outbreak|illness|"
    r"virus|repair|position|grade|"
    r"manoeuvre|maneuver|index|formula|gauge|mg\b|mcg\b|ml\b|units?\b|tablets?|capsules?|inhaler|cream|drops|infusion)",
    regex.IGNORECASE,
)
_BEFORE_WINDOW = 60


class Word(NamedTuple):
    """A capitalised word that may be part of a name, at half-open code points."""

    start: int
    end: int


def find_unlisted_names(text: str) -> list[Identifier]:
    """Pairs of capitalised words that are no words of notes, and single ones beside a cue."""
    small = set(regex.findall(r"(?<!\w)\p{Ll}{3,}(?!\w)", text))
    found = []
    for run in _runs(text, small):
        first, last = run[0], run[-1]
        whole = text[first.start : last.end]
        named = _in_capitals(whole, run) if whole.isupper() else len(run) > 1 or _has_cue(text, first.start, last.end)
        if named:
            end = _with_given_name(text, first, last, small)
            found.append(Identifier(first.start, end, Kind.NAME))
    return found


def _in_capitals(whole: str, run: list[Word]) -> bool:
    """Words in capitals are a name when they are several and one of them is long; others are abbreviations, cue or not."""
    return len(run) > 1 and max(map(len, regex.split(r"\P{L}+", whole))) > 4


def is_plausible(name: str) -> bool:
    """Whether a word of a supposed name is a frequent name, or none of notes and medicine."""
    words = regex.findall(r"\p{L}[\p{L}\p{M}'\u2019]{2,}", name)
    return any(word in listed_names() or not _is_of_notes(word.lower()) for word in words)


def may_be_name(word: str, small: set[str]) -> bool:
    """Whether a capitalised word is none of notes, of medicine, or of this very note in small letters."""
    return all(_is_unknown(part.lower(), small) for part in regex.split("[-'\u2019]", word) if len(part) > 1)


def _is_unknown(word: str, small: set[str]) -> bool:
    return not (word in small or _is_of_notes(word) or _ENGLISH_ENDINGS.search(word))


def _is_of_notes(word: str) -> bool:
    known = note_words()
    return word in known or word.removesuffix("s") in known or _MEDICAL_ENDINGS.search(word) is not None


@cache
def listed_names() -> frozenset[str]:
    """Frequent given names and surnames, as names are written."""
    return frozenset(name for each in ("given_names", "surnames") for name in frequent_names(each).split("|"))


@cache
def note_words() -> frozenset[str]:
    """The words of ``note_words.txt``."""
    lines = files("clinical_ner.deidentify").joinpath("note_words.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _runs(text: str, small: set[str]) -> Iterator[list[Word]]:
    """Possible names that follow each other directly, or by an initial or a particle only."""
    run: list[Word] = []
    for match in _WORDS.finditer(text):
        if not may_be_name(match[0], small) or _EPONYM.match(text, match.end()):
            if run:
                yield run
            run = []
        elif run and _follows(text, run[-1], match):
            run.append(Word(*match.span()))
        else:
            if run:
                yield run
            run = [Word(*match.span())]
    if run:
        yield run


def _follows(text: str, last: Word, match: "regex.Match[str]") -> bool:
    """Names are written in one way: "Finnish AKU" is none."""
    alike = text[last.start : last.end].isupper() == match[0].isupper()
    return alike and _BETWEEN.fullmatch(text, last.end, match.start()) is not None


def _has_cue(text: str, start: int, end: int) -> bool:
    return bool(AFTER.match(text, end) or BEFORE.search(text, max(0, start - _BEFORE_WINDOW), start))


def _with_given_name(text: str, first: Word, last: Word, small: set[str]) -> int:
    """The name's end; after a surname with a cue the given name behind its comma belongs to it."""
    match = SURNAME_FIRST.match(text, last.end) if first == last else None
    return match.end() if match and may_be_name(match[1], small) else last.end
