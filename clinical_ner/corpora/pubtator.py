"""PubTator: ``id|t|title`` and ``id|a|abstract``, annotation lines, and a blank line after each record.

The text is title + line feed + abstract, one character between them, which is what the offsets of PubTator files count
on. ``id |t| title`` is read as well; the blank after the bar is then no part of the title. Annotation lines are
``id<TAB>start<TAB>end<TAB>mention<TAB>type[<TAB>concept[<TAB>parts]]``; the mention has to be exactly ``text[start:end]``,
so that an offset that slipped is found.

Composite mentions ("ocular and auditory toxicity", concepts and parts divided by bars) are kept as the one span that
they are in the text; concepts and parts are not read. The format cannot say that a span is discontinuous. Relation lines
(``id<TAB>CID<TAB>concept<TAB>concept``) are passed over and counted.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from clinical_ner.corpora.lines import Block, Line, read_blocks
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError

RELATION_LINES = "relation lines"

_PASSAGE = re.compile(r"(?P<id>[^|\t]*[^|\t ])(?P<blank> ?)\|(?P<kind>[ta])\|(?P<text>.*)", re.DOTALL)
_MENTION_LINE = re.compile(rb"[^\t]+\t\d+\t\d+\t[^\t]*\t[^\t]+")
_RELATION_TYPE = re.compile(r"[A-Za-z][A-Za-z_-]*")


def read(path: Path) -> Iterator[Record | BadRecord]:
    """Every record in order; the document's id is the record's, a PMID.

    Raises:
        DataError: the file is missing or empty.
    """
    for block in read_blocks(path):
        yield _read_block(block)


def _read_block(block: Block) -> Record | BadRecord:
    line = block.lines[0]
    entities, relations = [], 0
    try:
        identifier, text = _parse_passages(block)
        for line in block.lines[2:]:
            columns = _split_annotation(line, identifier)
            if _is_relation(columns):
                relations += 1
            else:
                entities.append(_parse_mention(columns, text))
    except DataError as error:
        mentions = sum(1 for each in block.lines if _MENTION_LINE.match(each.raw))
        return BadRecord(block.file, line.number, str(error), block.raw, mentions)
    document = Document(identifier, text, tuple(sorted(entities)))
    return Record(block.file, block.number, document, block.raw, {RELATION_LINES: relations} if relations else {})


def _parse_passages(block: Block) -> tuple[str, str]:
    identifier, title = _parse_passage(block.lines[0], "t")
    if len(block.lines) == 1:
        raise DataError("record ends after its id|t| line; an id|a| line is expected")
    abstract_identifier, abstract = _parse_passage(block.lines[1], "a")
    if abstract_identifier != identifier:
        raise DataError("id|t| and id|a| lines name different ids")
    return identifier, f"{title}\n{abstract}" if abstract else title


def _parse_passage(line: Line, kind: str) -> tuple[str, str]:
    match = _PASSAGE.fullmatch(line.text)
    if not match or match["kind"] != kind:
        raise DataError(f"expected a line that begins with id|{kind}|")
    return match["id"], match["text"].removeprefix(match["blank"])


def _split_annotation(line: Line, identifier: str) -> list[str]:
    columns = line.text.split("\t")
    if columns[0].strip() != identifier:
        raise DataError(f"annotation does not begin with the record's id {identifier} and a tab")
    return columns


def _is_relation(columns: list[str]) -> bool:
    return len(columns) >= 4 and bool(_RELATION_TYPE.fullmatch(columns[1])) and not columns[2].isdecimal()


def _parse_mention(columns: list[str], text: str) -> Entity:
    if len(columns) < 5:
        raise DataError(f"annotation: {len(columns)} columns, at least 5 expected: id start end mention type")
    start, end = _parse_offset(columns[1], "start"), _parse_offset(columns[2], "end")
    if not start < end <= len(text):
        raise DataError(f"annotation: offsets {start}:{end} do not lie within the text's {len(text)} code points")
    if text[start:end] != columns[3]:
        raise DataError(f"mention: differs from the text at its offsets {start}:{end}")
    if not columns[4].strip():
        raise DataError("type: empty")
    return Entity(start, end, columns[4].strip())


def _parse_offset(value: str, name: str) -> int:
    if not value.isdecimal():
        raise DataError(f"{name}: not a number; discontinuous spans are not part of the format")
    return int(value)
