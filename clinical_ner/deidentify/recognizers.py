"""Finding identifiers by Presidio's pattern recognizers and by those that read numbers rather than patterns.

Presidio's own analyzer wants a language model, and its e-mail recognizer fetches a list of domains: neither is used.
"""

import time
from collections.abc import Mapping, Sequence

import regex  # type: ignore[import-untyped]
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.pattern_recognizer import REGEX_TIMEOUT_SECONDS
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
)

from clinical_ner.deidentify.names import BY_CAPITALS, SURE, name_patterns, repetition_pattern
from clinical_ner.deidentify.patterns import ADDRESSES, AGES, DATES, EMAILS, PHONES, RECORD_NUMBERS, URLS
from clinical_ner.deidentify.replacement import DeidentifiedText, Identifier, Kind, replace_identifiers
from clinical_ner.deidentify.unlisted_names import find_unlisted_names, is_plausible
from clinical_ner.errors import DataError

PHONE_REGIONS = ("US", "GB")
_CERTAIN = 1.0
# Behind the code of a drug in trials and its dose, "VX 39-656 800 mg"; "::" alone is no address, but divides items of a plan.
_DOSE = regex.compile(r"\s?(?:mg|mcg|micrograms?|g|ml|l|meq|mmol|units?|iu|%|tabs?|tablets?|caps?|puffs?)\b", regex.IGNORECASE)


class Deidentifier:
    """Replaces what it takes for an identifier: rather too much than too little. Not thread-safe: one instance a thread."""

    def __init__(self) -> None:
        self._recognizers: Sequence[tuple[Kind, EntityRecognizer]] = [
            (Kind.NAME, _patterns(Kind.NAME, name_patterns(), regex.MULTILINE)),
            *((kind, _patterns(kind, patterns, regex.IGNORECASE)) for kind, patterns in _IGNORING_CASE.items()),
            (Kind.PHONE, PhoneRecognizer(supported_regions=PHONE_REGIONS)),
            (Kind.IP, IpRecognizer()),
            (Kind.ID, CreditCardRecognizer()),
            (Kind.ID, IbanRecognizer()),
        ]
        self.identify("")  # compiles the patterns now, which takes a moment, and not within somebody's note

    def identify(self, text: str) -> list[Identifier]:
        """Every identifier found, some of them overlapping.

        Raises:
            DataError: a pattern took so long that Presidio passed over it; such a text must not be used.
        """
        found = []
        for kind, recognizer in self._recognizers:
            started = time.monotonic()
            results = recognizer.analyze(text, recognizer.supported_entities, None)  # type: ignore[arg-type]
            if time.monotonic() - started >= REGEX_TIMEOUT_SECONDS:
                raise DataError(
                    f"text: a pattern of {kind} took {REGEX_TIMEOUT_SECONDS} s or more on {len(text):,} code points"
                )
            results = [result for result in results if _is_identifier(kind, text, result)]
            found += [Identifier(result.start, result.end, kind) for result in results]
            if kind is Kind.NAME:
                unlisted = find_unlisted_names(text)
                found += [*unlisted, *_repetitions(text, results, unlisted)]
        return found

    def deidentify(self, text: str) -> DeidentifiedText:
        """``text`` with a placeholder for every identifier; raises as :meth:`identify`."""
        return replace_identifiers(text, self.identify(text))


_IGNORING_CASE: Mapping[Kind, Mapping[str, str]] = {
    Kind.DATE: DATES,
    Kind.PHONE: PHONES,
    Kind.ADDRESS: ADDRESSES,
    Kind.ID: RECORD_NUMBERS,
    Kind.AGE: AGES,
    Kind.EMAIL: EMAILS,
    Kind.URL: URLS,
}


def _is_identifier(kind: Kind, text: str, result: RecognizerResult) -> bool:
    """Against what recognizers take for identifiers and notes are full of."""
    if kind is Kind.NAME:
        # Patterns that look at nothing but capitals take headings and abbreviations for names.
        by_capitals = result.analysis_explanation.pattern_name in BY_CAPITALS
        return not by_capitals or is_plausible(text[result.start : result.end])
    if kind is Kind.IP:
        return len(regex.findall(r"[\da-f]+", text[result.start : result.end], regex.IGNORECASE)) > 1
    return kind not in (Kind.PHONE, Kind.ID) or not _DOSE.match(text, result.end)


def _repetitions(text: str, results: Sequence[RecognizerResult], unlisted: Sequence[Identifier]) -> list[Identifier]:
    """A name that something gave away is one where the note repeats it, too."""
    sure = {text[each.start : each.end] for each in results if each.analysis_explanation.pattern_name in SURE}
    sure |= {text[each.start : each.end] for each in unlisted}
    pattern = repetition_pattern(sure)
    matches = regex.finditer(pattern, text, timeout=REGEX_TIMEOUT_SECONDS) if pattern else ()
    return [Identifier(match.start(), match.end(), Kind.NAME) for match in matches]


def _patterns(kind: Kind, patterns: Mapping[str, str], flags: int) -> PatternRecognizer:
    listed = [Pattern(name, pattern, _CERTAIN) for name, pattern in patterns.items()]
    return PatternRecognizer(supported_entity=str(kind), patterns=listed, global_regex_flags=flags)
