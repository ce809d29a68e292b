"""Files as numbered lines and as blocks between blank lines.

They are decoded no sooner than asked, so that a bad byte costs one record and not the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from clinical_ner.errors import DataError, StorageError

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A line without its line feed; ``number`` counts from 1 and ``offset`` is its first byte's place in the file."""

    number: int
    offset: int
    raw: bytes

    @property
    def text(self) -> str:
        """The line as text, without a carriage return at its end.

        Raises:
            DataError: it is not UTF-8; the message gives the byte's offset in the file.
        """
        return decode(self.raw, offset=self.offset).removesuffix("\r")

    @property
    def is_blank(self) -> bool:
        """True for nothing but ASCII white space: other spaces may be tokens."""
        return not self.raw.strip()


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of a file, at least one, none of them blank."""

    file: str
    lines: tuple[Line, ...]

    @property
    def number(self) -> int:
        return self.lines[0].number

    @property
    def raw(self) -> bytes:
        return b"\n".join(line.raw for line in self.lines)


def decode(raw: bytes, *, offset: int = 0) -> str:
    """UTF-8 as text.

    Raises:
        DataError: it is not UTF-8; the message gives ``offset`` + the place of the first bad byte, from 0.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {offset + error.start:,} of the file; convert the file to UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        DataError: there is no such file, or it is UTF-16.
        StorageError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(UTF16_BOMS):
        raise DataError(f"{path}: begins as UTF-16; convert the file to UTF-8")
    return data


def split_lines(data: bytes) -> list[Line]:
    """A file's bytes as lines, split at line feeds only; a UTF-8 byte order mark is passed over."""
    offset = len(UTF8_BOM) if data.startswith(UTF8_BOM) else 0
    lines = []
    for number, raw in enumerate(data[offset:].split(b"\n"), 1):
        lines.append(Line(number, offset, raw))
        offset += len(raw) + 1
    return lines


def read_lines(path: Path) -> list[Line]:
    """A file's lines as :func:`split_lines` gives them.

    Raises:
        DataError: there is no such file, or it holds nothing but white space.
        StorageError: it cannot be read.
    """
    data = read_bytes(path)
    if not data.removeprefix(UTF8_BOM).strip():
        raise DataError(f"{path}: empty file")
    return split_lines(data)


def read_blocks(path: Path) -> Iterator[Block]:
    """A file's blocks in order; raises as :func:`read_lines`."""
    for is_blank, lines in groupby(read_lines(path), key=lambda line: line.is_blank):
        if not is_blank:
            yield Block(str(path), tuple(lines))
