"""Canonical JSON Lines: ``{"id", "text", "entities": [{"start", "end", "label"}], "metadata"}`` a line.

Only ``text`` is required. Blank lines are passed over.
"""

from collections.abc import Iterator
from pathlib import Path

from clinical_ner.corpora.lines import Line, read_lines
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.documents import parse_document
from clinical_ner.errors import DataError


def read(path: Path) -> Iterator[Record | BadRecord]:
    """Every line that is not blank as one record, in order.

    Raises:
        DataError: the file is missing or empty.
    """
    for line in read_lines(path):
        if not line.is_blank:
            yield _read_line(str(path), line)


def _read_line(file: str, line: Line) -> Record | BadRecord:
    try:
        return Record(file, line.number, parse_document(line.text), line.raw)
    except DataError as error:
        return BadRecord(file, line.number, str(error), line.raw)
