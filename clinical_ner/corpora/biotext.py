"""The layout of BioText (Rosario & Hearst 2004): a folder with one ``*_sent`` and one ``*_label`` file.

One token a line in the first, its label on the same line of the second, a blank line after each sentence in both. Labels
carry no B or I: neighbouring tokens of the same label are one span, and ``O`` is outside. A sentence is a document.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from clinical_ner.corpora.lines import Line, read_lines
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.corpora.tokens import TokenSpan, join_sentence
from clinical_ner.documents import Document
from clinical_ner.errors import DataError

OUTSIDE = "O"

Pair = tuple[Line, Line]


def read(folder: Path) -> Iterator[Record | BadRecord]:
    """Every sentence as one record, in order; places are lines of the ``*_sent`` file.

    Raises:
        DataError: the folder does not hold exactly one file of each kind, one is empty, or they do not go line by line: which
            label belongs to which token is then unknown from there on, so this is no matter of single records.
    """
    sentence_file = _only_file(folder, "_sent")
    label_file = _only_file(folder, "_label")
    pairs = _pair_lines(sentence_file, label_file)
    _check_labels(pairs, label_file)
    for is_blank, sentence in groupby(pairs, key=lambda pair: pair[0].is_blank):
        if not is_blank:
            yield _read_sentence((sentence_file, label_file), list(sentence))


def _only_file(folder: Path, ending: str) -> Path:
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder; biotext is a folder with one *_sent and one *_label file")
    files = sorted(folder.glob(f"*{ending}"))
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files named *{ending}, expected exactly 1")
    return files[0]


def _pair_lines(sentence_file: Path, label_file: Path) -> list[Pair]:
    tokens, labels = _without_blank_end(read_lines(sentence_file)), _without_blank_end(read_lines(label_file))
    for token, label in zip(tokens, labels, strict=False):
        if token.is_blank != label.is_blank:
            blank, other = (sentence_file, label_file) if token.is_blank else (label_file, sentence_file)
            raise DataError(f"{blank}:{token.number}: blank, but the same line of {other.name} is not")
    if len(tokens) != len(labels):
        raise DataError(f"{sentence_file}: {len(tokens)} lines, but {label_file.name} has {len(labels)}")
    return list(zip(tokens, labels, strict=True))


def _without_blank_end(lines: list[Line]) -> list[Line]:
    while lines and lines[-1].is_blank:
        lines.pop()
    return lines


def _check_labels(pairs: Sequence[Pair], label_file: Path) -> None:
    # Swapped files would make labels of the note's words, and labels are named in errors.
    if not any(label.raw.strip() == OUTSIDE.encode() for _, label in pairs):
        raise DataError(f"{label_file}: no line is labelled {OUTSIDE}; are the two files swapped?")


def _read_sentence(files: tuple[Path, Path], pairs: Sequence[Pair]) -> Record | BadRecord:
    raw = b"\n".join(token.raw.rstrip(b"\r") + b"\t" + label.raw for token, label in pairs)
    number = pairs[0][0].number
    columns: list[list[str]] = []
    for file, lines in zip(files, zip(*pairs, strict=True), strict=True):
        try:
            columns.append([line.text.strip(" \t") for line in lines])
        except DataError as error:
            return BadRecord(str(file), number, str(error), raw)
    tokens, labels = columns
    text, entities = join_sentence(tokens, _spans(labels))
    return Record(str(files[0]), number, Document(id="", text=text, entities=tuple(entities)), raw)


def _spans(labels: Sequence[str]) -> Iterator[TokenSpan]:
    for label, run in groupby(range(len(labels)), key=labels.__getitem__):
        positions = list(run)
        if label != OUTSIDE:
            yield TokenSpan(positions[0], positions[-1], label)
