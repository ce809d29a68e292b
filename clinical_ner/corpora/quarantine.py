"""What becomes of a corpus's bad records: the run fails, or they are set aside in a file of their own."""

import base64
from collections.abc import Iterable

import orjson

from clinical_ner.corpora.records import BadRecord, CorpusReading
from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, DataError

FAIL = "fail"
QUARANTINE = "quarantine"
ON_BAD_RECORD = (FAIL, QUARANTINE)
LISTED = 10


def check_on_bad_record(on_bad_record: str) -> None:
    """Refuse what is neither ``fail`` nor ``quarantine``, by a ConfigError."""
    if on_bad_record not in ON_BAD_RECORD:
        raise ConfigError(f"on_bad_record: {on_bad_record!r} is not one of {', '.join(ON_BAD_RECORD)}")


def settle(reading: CorpusReading, on_bad_record: str) -> list[Document]:
    """The documents to go on with; under ``quarantine`` the caller writes :func:`dump_quarantine` beside its output.

    Raises:
        DataError: there are bad records and ``on_bad_record`` is ``fail``, or there is nothing but bad records. The
            message lists the first 10 as ``file:line: reason`` and says how many there are.
        ConfigError: ``on_bad_record`` is neither ``fail`` nor ``quarantine``.
    """
    check_on_bad_record(on_bad_record)
    if not reading.bad_records:
        return reading.documents
    if not reading.documents:
        raise DataError(f"all {len(reading.bad_records)} records are bad:\n{_listing(reading.bad_records)}")
    if on_bad_record == FAIL:
        total = len(reading.bad_records) + len(reading.documents)
        raise DataError(
            f"{len(reading.bad_records)} of {total} records are bad:\n{_listing(reading.bad_records)}\n"
            f"correct them, or set them aside with on_bad_record = {QUARANTINE} (corpus convert: --quarantine FILE)"
        )
    return reading.documents


def _listing(bad_records: list[BadRecord]) -> str:
    lines = [str(bad) for bad in bad_records[:LISTED]]
    if len(bad_records) > LISTED:
        lines.append(f"... and {len(bad_records) - LISTED} more")
    return "\n".join(lines)


def dump_quarantine(bad_records: Iterable[BadRecord]) -> bytes:
    """The quarantine file: JSON Lines of ``file``, ``line``, ``reason`` and the record as found, in ``raw``.

    THIS FILE HOLDS NOTE TEXT, which is protected health information: keep it where the corpus itself may be kept. A record
    that is not UTF-8 is in ``raw_base64`` instead of ``raw``, so that no byte is lost.
    """
    return b"".join(orjson.dumps(_quarantine_line(bad), option=orjson.OPT_APPEND_NEWLINE) for bad in bad_records)


def _quarantine_line(bad: BadRecord) -> dict[str, str | int]:
    line: dict[str, str | int] = {"file": bad.file, "line": bad.line, "reason": bad.reason}
    try:
        line["raw"] = bad.raw.decode()
    except UnicodeDecodeError:
        line["raw_base64"] = base64.b64encode(bad.raw).decode()
    return line
