"""Bad records: fail, or set aside."""

import base64
import json

import pytest

from clinical_ner.corpora import BadRecord, CorpusReading, dump_quarantine, settle
from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, DataError

GOOD = Document("1", "x")


def bad_records(count):
    return [BadRecord("a.txt", number, "text: empty", b"Zebulon") for number in range(1, count + 1)]


@pytest.mark.parametrize("on_bad_record", ["fail", "quarantine"])
def test_settle_gives_the_documents_of_a_clean_reading(on_bad_record):
    """Without bad records both ways give all documents."""
    assert settle(CorpusReading(documents=[GOOD]), on_bad_record) == [GOOD]


def test_settle_fails_with_the_first_ten_and_the_number():
    """Under fail the error lists ten places with reasons, says how many there are and what to do, and quotes no text."""
    with pytest.raises(DataError) as raised:
        settle(CorpusReading(documents=[GOOD], bad_records=bad_records(12)), "fail")
    lines = str(raised.value).splitlines()
    assert lines[0] == "12 of 13 records are bad:"
    assert lines[1:11] == [f"a.txt:{number}: text: empty" for number in range(1, 11)]
    remedy = "correct them, or set them aside with on_bad_record = quarantine (corpus convert: --quarantine FILE)"
    assert lines[11:] == ["... and 2 more", remedy]
    assert "Zebulon" not in str(raised.value)


def test_settle_gives_the_good_documents_under_quarantine():
    """Under quarantine the good documents go on."""
    assert settle(CorpusReading(documents=[GOOD], bad_records=bad_records(1)), "quarantine") == [GOOD]


@pytest.mark.parametrize("on_bad_record", ["fail", "quarantine"])
def test_settle_fails_when_every_record_is_bad(on_bad_record):
    """A corpus of bad records only is an error both ways."""
    with pytest.raises(DataError, match=r"^all 2 records are bad:\na\.txt:1: text: empty\n"):
        settle(CorpusReading(bad_records=bad_records(2)), on_bad_record)


def test_settle_refuses_an_unknown_way():
    """Anything but fail and quarantine is a ConfigError, bad records or not."""
    with pytest.raises(ConfigError, match="'skip' is not one of fail, quarantine"):
        settle(CorpusReading(documents=[GOOD]), "skip")


def test_quarantine_file_loses_no_byte():
    """Every bad record is a line with place, reason and the record as found, as text or else as base64."""
    bad = [BadRecord("a.txt", 3, "why", 'é\n"x"\r\n'.encode()), BadRecord("b.txt", 9, "not UTF-8", b"\xff\x00")]
    first, second = (json.loads(line) for line in dump_quarantine(bad).splitlines())
    assert first == {"file": "a.txt", "line": 3, "reason": "why", "raw": 'é\n"x"\r\n'}
    assert base64.b64decode(second["raw_base64"]) == b"\xff\x00"


def test_quarantine_file_of_nothing_is_empty():
    """Without bad records the file is there and empty."""
    assert dump_quarantine([]) == b""
