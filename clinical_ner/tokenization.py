"""Tokens and sentences of a clinical note with offsets into the text as it was given: spaCy's tokenizer, our sentence rules.

One tokenizer serves training and serving. It splits at every punctuation mark (``beta-blocker``, ``12/5``, ``Crohn's``),
since annotated spans end there, and keeps decimal numbers whole. spaCy's own sentencizer knows neither line breaks nor the
abbreviations of notes, so sentences end by the rules of :func:`split_sentences`.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clinical_ner.documents import Token

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

_PUNCTUATION = r"(?:[^\w\s]|_)"
_INSIDE_NUMBER = r"(?<=\d)[.,](?=\d)"
_SPLIT = rf"(?!{_INSIDE_NUMBER}){_PUNCTUATION}"

# spaCy takes quadratic time over a run without white space (25 s for 32 KiB of brackets). Texts with a run this long are
# split by the one expression that says the same as the rules above; a test holds both to the same tokens.
_LONG_RUN = re.compile(r"\S{256}")
_TOKEN = re.compile(rf"(?:[^\W_]|{_INSIDE_NUMBER})+|{_PUNCTUATION}")
MAX_SENTENCE_TOKENS = 512
"""Longer sentences are cut: nobody writes them, and CRFsuite holds the interpreter while it tags one."""

_SENTENCE_END = frozenset(".!?")
_LINE_END = frozenset(".!?:;")
# A full stop behind these ends no sentence; single letters (initials, "b.i.d.") never do.
_ABBREVIATIONS = frozenset(
    "al approx ca cf dept dr eg etc fig hosp hx ie inc max min mr mrs ms no pt pts resp rx st tab tel vs wt".split()
)


# spaCy keeps every string it has seen. Starting afresh above this many (about 30 MB) bounds memory, and how long the words
# of a note stay in it; a memory zone a note does too, at ten times the cost, because its cache is empty each time.
MAX_STRINGS = 200_000


class Tokenizer:
    """Splits notes into sentences of tokens. Not thread-safe: one instance a thread. Memory is bounded."""

    def __init__(self, *, max_strings: int = MAX_STRINGS) -> None:
        self._max_strings = max_strings
        self._tokenize = _build_tokenizer()

    def tokens(self, text: str) -> list[Token]:
        """All tokens in order, none of them white space; ``text[token.start:token.end] == token.text`` for each."""
        if _LONG_RUN.search(text):
            return [Token(match.group(), *match.span()) for match in _TOKEN.finditer(text)]
        if len(self._tokenize.vocab.strings) > self._max_strings:
            self._tokenize = _build_tokenizer()
        return [Token(token.text, token.idx, token.idx + len(token)) for token in self._tokenize(text) if not token.is_space]

    def sentences(self, text: str) -> list[list[Token]]:
        """Sentences in order, each a non-empty list of tokens; a text of white space only has none."""
        return split_sentences(text, self.tokens(text))


def _build_tokenizer() -> "SpacyTokenizer":
    # spaCy takes a third of a second to import: most stages and commands know of tokens without making any.
    from spacy.lang.en import English
    from spacy.tokenizer import Tokenizer as SpacyTokenizer
    from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex
    from spacy.vocab import create_vocab

    return SpacyTokenizer(
        # As spacy.blank("en") makes it, which also imports every installed package that has a component for spaCy's pipelines.
        create_vocab("en", English.Defaults),
        prefix_search=compile_prefix_regex([_SPLIT]).search,
        suffix_search=compile_suffix_regex([_PUNCTUATION]).search,
        infix_finditer=compile_infix_regex([_SPLIT]).finditer,
    )


def split_sentences(text: str, tokens: Sequence[Token]) -> list[list[Token]]:
    """Group ``tokens`` of ``text`` into sentences.

    A sentence ends at ``.``, ``!`` or ``?`` when white space and no lower-case letter follow, unless the full stop belongs to
    an abbreviation; at the end of a line, unless the next one merely goes on (a wrapped line); and after 512 tokens.
    """
    sentences: list[list[Token]] = []
    for position, token in enumerate(tokens):
        if position == 0 or len(sentences[-1]) == MAX_SENTENCE_TOKENS or _starts_sentence(text, tokens, position):
            sentences.append([])
        sentences[-1].append(token)
    return sentences


def _starts_sentence(text: str, tokens: Sequence[Token], position: int) -> bool:
    previous, token = tokens[position - 1], tokens[position]
    if previous.end == token.start:
        return False
    goes_on = token.text[0].islower()
    gap = text[previous.end : token.start]
    if "\n" in gap or "\r" in gap:
        is_blank_line = gap.count("\n") > 1
        return is_blank_line or not goes_on or previous.text in _LINE_END
    return not goes_on and previous.text in _SENTENCE_END and not _is_abbreviated(tokens, position - 1)


def _is_abbreviated(tokens: Sequence[Token], position: int) -> bool:
    """True when the full stop at ``position`` belongs to the word before it."""
    if tokens[position].text != "." or position == 0 or tokens[position - 1].end != tokens[position].start:
        return False
    word = tokens[position - 1].text
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isalpha())
