"""Keeping the log for so long."""

from datetime import date, timedelta

from clinical_ner.inference_log.layout import quarantined
from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.record import encode_records
from clinical_ner.inference_log.retention import LogDay, list_days, prune
from tests.clinical_ner.inference_log.records import MODEL, NOON, SwitchedStorage, make_record


def fill(storage: SwitchedStorage) -> None:
    """Three days before noon's, that day, two versions, and a quarantined file of each kind on the first day."""
    records = [make_record(NOON - timedelta(days=3)), make_record(NOON), make_record(NOON, model_version="v4")]
    for key, data, _ in to_objects(parse_lines(encode_records(records), "a test")):
        storage.write(key, data)
    old = next(key for key in storage.list("") if "02-26" in key)
    storage.write(quarantined(old), b"bad")
    storage.write("inference-log-quarantine/spool/date=2026-02-26/ab.spool", b"bad")
    storage.write("models/clinical-ner/v3/date=2020-01-01/manifest.json", b"not of the log")


def test_days_are_listed_by_version(storage: SwitchedStorage) -> None:
    """Every day is listed with its files by model version, the quarantine's apart."""
    assert list_days(storage) == []
    fill(storage)

    assert list_days(storage) == [
        LogDay(date(2026, 2, 26), "", "", 2),
        LogDay(date(2026, 2, 26), MODEL, "v3", 1),
        LogDay(date(2026, 3, 1), MODEL, "v3", 1),
        LogDay(date(2026, 3, 1), MODEL, "v4", 1),
    ]
    assert [day.quarantined for day in list_days(storage)] == [True, False, False, False]


def test_prune_removes_days_before(storage: SwitchedStorage) -> None:
    """Files of days before the given one go, the quarantine's with them; that day and all that is not of the log stay."""
    fill(storage)
    before = storage.list("")

    assert prune(storage, date(2026, 2, 26)) == 0
    assert prune(storage, date(2026, 3, 1), dry_run=True) == 3
    assert storage.list("") == before
    assert prune(storage, date(2026, 3, 1)) == 3
    assert [day.day for day in list_days(storage)] == [date(2026, 3, 1)] * 2
    assert storage.exists("models/clinical-ner/v3/date=2020-01-01/manifest.json")
