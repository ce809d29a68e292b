"""Corpora written by the tests, and a check that what is said about them repeats none of their text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clinical_ner.corpora import CorpusReading, LabelMap, read_corpus
from clinical_ner.errors import ClinicalNerError

MARKER = "Zebulon"  # the patient in the tests' notes; no message may name him
MAX_NOTE_BYTES = 200

WriteFile = Callable[[str, str | bytes], Path]
Read = Callable[..., CorpusReading]


@pytest.fixture
def marker() -> str:
    return MARKER


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    """Writes a file of the test's folder; text is encoded as UTF-8 with its line ends as they are."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def read() -> Read:
    """``read_corpus`` with a note limit of 200 bytes, failing when an error or a bad record's reason holds note text."""

    def read_checked(uri: Path | str, corpus_format: str, label_map: str = "") -> CorpusReading:
        try:
            reading = read_corpus(str(uri), corpus_format, label_map=LabelMap.parse(label_map), max_note_bytes=MAX_NOTE_BYTES)
        except ClinicalNerError as error:
            if MARKER in str(error):
                pytest.fail("the error holds note text")
            raise
        for bad in reading.bad_records:
            assert MARKER not in str(bad)
            assert MARKER not in repr(bad)
        in_bad = sum(bad.mentions for bad in reading.bad_records)
        accounted = reading.mentions_kept + in_bad + reading.mentions_dropped + reading.mentions_merged
        assert reading.mentions_seen == accounted
        return reading

    return read_checked
