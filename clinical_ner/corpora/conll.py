"""Columns as of the CoNLL shared tasks: a token a line, its IOB1, IOB2, BIOES or BILOU tag in the last column.

2 to 4 columns, separated by tabs or, in a line without any, by spaces; the token is in the first. Blank lines end
sentences. Each sentence is a document, unless ``-DOCSTART-`` lines say where documents begin (``-DOCSTART- (X)`` names the
document X); the sentences of a document are then joined by line feeds. Original spacing is not in the format: tokens
are joined by single spaces.

Spans are read as the conlleval script reads them: a span begins at B, at S, and at an I or E that continues no span of
its label. The last is what IOB1 does, and an annotator's slip in the other schemes: ``spans begun without B`` counts it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from clinical_ner.corpora.lines import Line, decode, read_lines
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.corpora.tokens import TokenSpan, join_sentence
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError

BEGUN_WITHOUT_B = "spans begun without B"
MIN_COLUMNS, MAX_COLUMNS = 2, 4

_DOCUMENT_START = re.compile(rb"-DOCSTART-(?:\s+\((?P<id>[^()]+)\)\s*$|\s|$)")
_TAG = re.compile(r"(?P<prefix>[BIESLU])-(?P<label>\S+)")
_CERTAIN_BEGIN = re.compile(rb"\s[BSU]-\S+\s*$")


class Tag(NamedTuple):
    """``prefix`` is one of B I E S L U, or O with an empty label."""

    prefix: str
    label: str


OUTSIDE = Tag("O", "")


def read(path: Path) -> Iterator[Record | BadRecord]:
    """Every sentence, or every document where the file marks them, as one record, in order.

    Raises:
        DataError: the file is missing or empty, or most of its lines do not have 2 to 4 columns.
    """
    lines = read_lines(path)
    columns = _usual_columns(path, lines)
    is_marked = any(_DOCUMENT_START.match(line.raw) for line in lines)
    for chunk in _split_at_markers(lines) if is_marked else _sentences(lines):
        yield _read_document(str(path), chunk, columns)


def _sentences(lines: Iterable[Line]) -> Iterator[list[Line]]:
    for is_blank, sentence in groupby(lines, key=lambda line: line.is_blank):
        if not is_blank:
            yield list(sentence)


def _split_at_markers(lines: Sequence[Line]) -> Iterator[list[Line]]:
    starts = [position for position, line in enumerate(lines) if _DOCUMENT_START.match(line.raw)]
    for start, end in zip([0, *starts], [*starts, len(lines)], strict=True):
        chunk = lines[start:end]
        if any(not line.is_blank for line in chunk):
            yield list(chunk)


def _split_columns(line: Line) -> list[bytes]:
    raw = line.raw.rstrip(b"\r")
    return raw.split(b"\t") if b"\t" in raw else raw.split()


def _usual_columns(path: Path, lines: Iterable[Line]) -> int:
    counts = Counter(len(_split_columns(line)) for line in lines if not line.is_blank and not _DOCUMENT_START.match(line.raw))
    columns = counts.most_common(1)[0][0] if counts else 0
    if not MIN_COLUMNS <= columns <= MAX_COLUMNS:
        raise DataError(
            f"{path}: most lines have {columns} columns; conll has {MIN_COLUMNS} to {MAX_COLUMNS}, token first, tag last"
        )
    return columns


def _read_document(file: str, lines: Sequence[Line], columns: int) -> Record | BadRecord:
    raw = b"\n".join(line.raw for line in lines)
    marker = _DOCUMENT_START.match(lines[0].raw)
    text, entities = "", list[Entity]()
    counters: Counter[str] = Counter()
    line = lines[0]
    try:
        identifier = decode(marker["id"] or b"", offset=line.offset) if marker else ""
        for sentence in _sentences(lines[1:] if marker else lines):
            tokens, tags = [], []
            for line in sentence:
                token, tag = _read_line(line, columns)
                tokens.append(token)
                tags.append(tag)
            text += "\n" if text else ""
            joined, found = join_sentence(tokens, _spans(tags, counters), offset=len(text))
            text, entities = text + joined, entities + found
    except DataError as error:
        begun = sum(1 for each in lines if _CERTAIN_BEGIN.search(each.raw))
        return BadRecord(file, line.number, str(error), raw, mentions=begun)
    return Record(file, lines[0].number, Document(identifier, text, tuple(entities)), raw, +counters)


def _read_line(line: Line, columns: int) -> tuple[str, Tag]:
    values = _split_columns(line)
    if len(values) != columns:
        raise DataError(f"{len(values)} columns, most lines of the file have {columns}")
    if not values[0].strip():
        raise DataError("column 1: empty token")
    decode(line.raw, offset=line.offset)
    return values[0].strip().decode(), _parse_tag(values[-1].strip().decode(), columns)


def _parse_tag(text: str, column: int) -> Tag:
    if text == OUTSIDE.prefix:
        return OUTSIDE
    match = _TAG.fullmatch(text)
    if not match:
        # Not quoted: in a file with its columns in another order this is a word of the note.
        raise DataError(f"column {column}: neither O nor a label with one of B- I- E- S- (or L- U-) before it")
    return Tag(match["prefix"], match["label"])


def _spans(tags: Sequence[Tag], counters: Counter[str]) -> Iterator[TokenSpan]:
    first, label = -1, ""  # of the span that is open; label "" when none is
    for position, tag in enumerate([*tags, OUTSIDE]):
        if label and (tag.prefix in "OBSU" or tag.label != label):
            yield TokenSpan(first, position - 1, label)
            label = ""
        if not label and tag.label:
            first, label = position, tag.label
            counters[BEGUN_WITHOUT_B] += tag.prefix in "IEL"
        if label and tag.prefix in "ESLU":
            yield TokenSpan(first, position, label)
            label = ""
