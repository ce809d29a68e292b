"""brat standoff: a folder of ``x.txt`` with the note and ``x.ann`` with its annotations; the document's id is ``x``.

Only text-bound annotations (``T`` lines) are entities; relations, events, attributes, normalizations, equivalences and
notes are passed over and counted. A discontinuous span (``0 5;10 15``) makes its record a bad one: the tagger marks
contiguous spans only, and both ways around that, one span over the gap or one span per fragment, would train and score
it on annotations that nobody made ("left" of "left and right lung" is no finding). Quarantine such notes, or annotate
them anew.

Offsets count code points of the file as it is, line ends included, so texts keep their carriage returns.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from clinical_ner.corpora.lines import decode, read_bytes, split_lines
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError

OTHER_LINES = "brat lines that are no entities"

_TEXT_BOUND = re.compile(r"T\S*\t(?P<label>\S+) (?P<offsets>[^\t]*)\t(?P<mention>.*)", re.DOTALL)
_OTHER_KINDS = ("R", "E", "A", "M", "N", "*", "#")
_OFFSETS = re.compile(r"(?P<start>[0-9]+) (?P<end>[0-9]+)")


def read(path: Path) -> Iterator[Record | BadRecord]:
    """Every pair of the folder, or the one whose ``.txt`` file is given, as one record, by name.

    Raises:
        DataError: the folder holds no ``.txt`` or ``.ann`` file, or the given file is missing.
    """
    if not path.is_dir():
        read_bytes(path)
        yield _read_pair(path.with_suffix(""))
        return
    stems = sorted({file.with_suffix("") for file in path.iterdir() if file.suffix in {".txt", ".ann"}})
    if not stems:
        raise DataError(f"{path}: no .txt and .ann files in this folder")
    for stem in stems:
        yield _read_pair(stem)


def _read_pair(stem: Path) -> Record | BadRecord:
    files = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".txt", ".ann")]
    found = {file: read_bytes(file) for file in files if file.exists()}
    raw = b"\n".join(found.values())
    mentions = sum(line.raw.startswith(b"T") for line in split_lines(found.get(files[1], b"")))
    for file in files:
        if file not in found:
            advice = "; an empty one says that the note holds no entities" if file.suffix == ".ann" else ""
            return BadRecord(str(next(iter(found))), 1, f"there is no {file.name} beside it{advice}", raw, mentions)
    return _parse_pair(files[0], files[1], found, raw)


def _parse_pair(text_file: Path, annotation_file: Path, found: dict[Path, bytes], raw: bytes) -> Record | BadRecord:
    lines = split_lines(found[annotation_file])
    mentions = sum(line.raw.startswith(b"T") for line in lines)
    entities, others = [], 0
    file, number = text_file, 1
    try:
        text = decode(found[text_file]).removeprefix("\ufeff")
        for line in lines:
            file, number = annotation_file, line.number
            entity = _parse_line(line.text, text)
            if entity:
                entities.append(entity)
            others += entity is None and not line.is_blank
    except DataError as error:
        return BadRecord(str(file), number, str(error), raw, mentions)
    document = Document(text_file.stem, text, tuple(sorted(entities)))
    return Record(str(text_file), 1, document, raw, {OTHER_LINES: others} if others else {})


def _parse_line(line: str, text: str) -> Entity | None:
    if not line.strip() or line.startswith(_OTHER_KINDS):
        return None
    match = _TEXT_BOUND.fullmatch(line)
    if not match:
        raise DataError("not of the form T1<TAB>LABEL START END<TAB>MENTION, nor any other kind of brat line")
    if ";" in match["offsets"]:
        raise DataError(f"offsets {_numbers(match['offsets'])}: a discontinuous span; only contiguous ones can be learnt")
    offsets = _OFFSETS.fullmatch(match["offsets"])
    if not offsets:
        raise DataError("offsets: not of the form START END")
    start, end = int(offsets["start"]), int(offsets["end"])
    if not start < end <= len(text):
        raise DataError(f"offsets {start}:{end} do not lie within the text's {len(text)} code points")
    # brat writes a line end inside a mention as a blank.
    if text[start:end].split() != match["mention"].split():
        raise DataError(f"mention: differs from the text at its offsets {start}:{end}")
    return Entity(start, end, match["label"])


def _numbers(offsets: str) -> str:
    return re.sub(r"[^0-9; ]", "?", offsets)
