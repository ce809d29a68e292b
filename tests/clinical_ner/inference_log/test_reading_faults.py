"""Files of the log that are damaged, of another schema, under another name, or no files of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from clinical_ner.errors import StorageError
from clinical_ner.inference_log.layout import LOG, QUARANTINE, REASON, file_key, quarantined
from clinical_ner.inference_log.parquet import to_parquet
from clinical_ner.inference_log.reading import WindowReading
from clinical_ner.inference_log.schema import SCHEMA, SCHEMAS
from tests.clinical_ner.inference_log.logged import put_records, read, table_of
from tests.clinical_ner.inference_log.records import MODEL, NOON, VERSION, SwitchedStorage, make_record

HOUR = NOON.replace(minute=0)


def put_file(storage: SwitchedStorage, data: bytes, hour: datetime = HOUR) -> str:
    """Write any bytes where a log file belongs, under their digest."""
    key = file_key(MODEL, VERSION, hour, data)
    storage.write(key, data)
    return key


def changed(change: Callable[[pa.Table], pa.Table]) -> bytes:
    return to_parquet(change(table_of(make_record())))


def with_column(name: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, values)


BAD_FILES = {
    "empty": (b"", "is empty"),
    "text": (b"no Parquet at all, but long enough to be looked at", "not a Parquet file"),
    "cut": (to_parquet(table_of(make_record()))[:-20], "not a Parquet file"),
    "missing": (
        changed(lambda table: table.drop_columns(["scores", "site"])),
        "column 'site' is missing; column 'scores' is missing",
    ),
    "extra": (changed(lambda table: table.append_column("text", [["a note"]])), "column 'text' is unknown"),
    "twice": (changed(lambda table: table.append_column("site", [["a"]])), "column 'site' is there 2 times"),
    "type": (changed(with_column("note_bytes", pa.array(["120"]))), "column 'note_bytes' is string, int64 expected"),
    "zone": (changed(with_column("time", pa.array([NOON.replace(tzinfo=None)]))), "column 'time' is timestamp"),
    "null": (changed(with_column("status", pa.array([None], pa.string()))), "column 'status' has 1 nulls"),
    "no version": (changed(lambda table: table.drop_columns(["schema_version"])), "column 'schema_version' is missing"),
    "version": (
        changed(with_column("schema_version", pa.array([-1]))),
        "column 'schema_version' is -1; this release reads 1, 2",
    ),
    "version type": (changed(with_column("schema_version", pa.array(["1"]))), "column 'schema_version' is string"),
    "null version": (changed(with_column("schema_version", pa.array([None], pa.int64()))), "more than one value, or none"),
}


@pytest.mark.parametrize(("data", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_is_quarantined(storage: SwitchedStorage, data: bytes, reason: str) -> None:
    """A file that breaks the format is moved, with a reason naming it and the column; the others are read."""
    good = make_record()
    put_records(storage, good)
    bad = put_file(storage, data)

    reading = read(storage)

    assert reading.table["record_id"].to_pylist() == [good.record_id]
    (rejected,) = reading.rejected
    assert rejected.key == bad
    assert rejected.reason.startswith(bad)
    assert reason in rejected.reason
    assert "north" not in rejected.reason
    assert rejected.moved_to == quarantined(bad)
    assert storage.read(quarantined(bad)) == data
    assert storage.read(quarantined(bad) + REASON).decode() == rejected.reason
    assert not storage.exists(bad)
    assert read(storage).rejected == ()


def test_bad_file_stays_when_told_so(storage: SwitchedStorage) -> None:
    """Without quarantine a bad file is reported and left."""
    bad = put_file(storage, b"")

    (rejected,) = read(storage, quarantine=False).rejected
    assert (rejected.key, rejected.moved_to) == (bad, "")
    assert storage.exists(bad)


def test_bad_file_stays_when_it_cannot_be_moved(storage: SwitchedStorage) -> None:
    """A reader without the right to write reads what is good and reports the rest."""
    good, bad = make_record(), put_file(storage, b"")
    put_records(storage, good)
    storage.down = True

    reading = read(storage)
    assert reading.table.num_rows == 1
    assert [(file.key, file.moved_to) for file in reading.rejected] == [(bad, "")]
    assert storage.exists(bad)


def test_file_of_a_newer_schema_is_left(storage: SwitchedStorage) -> None:
    """A file of a later release is reported and stays for readers of that release, whatever columns it has."""
    newer = put_file(storage, changed(lambda table: with_column("schema_version", pa.array([3]))(table).drop_columns(["site"])))

    (rejected,) = read(storage).rejected
    assert "newer" in rejected.reason
    assert storage.exists(newer)
    assert storage.list(QUARANTINE) == []


def test_file_that_is_not_what_its_name_says_is_quarantined(storage: SwitchedStorage) -> None:
    """A log file whose bytes are not those of the digest that it is named after is damaged, though it may still open."""
    (key,) = put_records(storage, make_record())
    storage.write(key, to_parquet(table_of(make_record())))

    (rejected,) = read(storage).rejected
    assert "named after" in rejected.reason


def test_file_with_a_name_of_its_own_is_read(storage: SwitchedStorage) -> None:
    """A file that another program put there, compacted and named freely, is read."""
    storage.write(
        f"{LOG}model={MODEL}/version={VERSION}/date=2026-03-01/hour=12/all.parquet", to_parquet(table_of(make_record()))
    )

    assert read(storage).table.num_rows == 1


def test_other_objects_are_passed_over(storage: SwitchedStorage) -> None:
    """What does not lie where a log file would is left alone."""
    for key in ("inference-log/notes.txt", f"{LOG}model={MODEL}/version=v3/date=2026-13-01/hour=12/a.parquet"):
        storage.write(key, b"x")

    assert read(storage) == WindowReading(SCHEMA.empty_table(), 0, 0, ())


def test_file_of_the_previous_schema_is_read(storage: SwitchedStorage) -> None:
    """A file of schema version 1, which had no hashes of unknown words, is read as if there was no key, beside one of 2."""
    old, new = make_record(NOON), make_record(NOON + timedelta(seconds=1))
    previous = with_column("schema_version", pa.array([1]))(table_of(old)).drop_columns(["unknown_hashes"])
    assert previous.schema.equals(SCHEMAS[1])
    put_file(storage, to_parquet(previous))
    put_records(storage, new)

    rows = read(storage).table.to_pylist()

    assert [(row["record_id"], row["unknown_hashes"], row["schema_version"]) for row in rows] == [
        (old.record_id, [], 2),
        (new.record_id, list(new.unknown_hashes), 2),
    ]


def test_store_that_fails_is_no_bad_file(storage: SwitchedStorage, tmp_path: Path) -> None:
    """When the store cannot be read the reading fails; nothing is taken for damaged."""
    (key,) = put_records(storage, make_record())
    (tmp_path / "store" / key).unlink()
    (tmp_path / "store" / key).symlink_to(tmp_path / "store" / key)  # a loop: opening it fails

    with pytest.raises(StorageError):
        read(storage)
    assert storage.list(QUARANTINE) == []
