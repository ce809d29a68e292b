"""Reading a window: its bounds, each record once, and files that are not what they should be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from clinical_ner.errors import ConfigError, StorageError
from clinical_ner.inference_log.layout import LOG, QUARANTINE, REASON, file_key, quarantined
from clinical_ner.inference_log.parquet import from_parquet, parse_lines, to_objects, to_parquet
from clinical_ner.inference_log.reading import WindowReading, read_window, scan_window
from clinical_ner.inference_log.record import InferenceRecord, encode_records
from clinical_ner.inference_log.schema import SCHEMA, SCHEMAS
from tests.clinical_ner.inference_log.records import MODEL, NOON, VERSION, WINDOW, SwitchedStorage, make_record

HOUR = NOON.replace(minute=0)


def table_of(*records: InferenceRecord) -> pa.Table:
    return parse_lines(encode_records(records), "a test")


def put_records(storage: SwitchedStorage, *records: InferenceRecord) -> list[str]:
    """Write records as the server does; the keys."""
    objects = list(to_objects(table_of(*records)))
    for key, data, _ in objects:
        storage.write(key, data)
    return [item.key for item in objects]


def put_file(storage: SwitchedStorage, data: bytes, hour: datetime = HOUR) -> str:
    """Write any bytes where a log file belongs, under their digest."""
    key = file_key(MODEL, VERSION, hour, data)
    storage.write(key, data)
    return key


def read(storage: SwitchedStorage, **options: bool) -> WindowReading:
    return scan_window(storage, MODEL, *WINDOW, **options)


def test_window_has_the_documented_columns(storage: SwitchedStorage) -> None:
    """A window has the schema, with records or without any, and a store that does not exist yet is a window without."""
    assert read(storage).table.equals(SCHEMA.empty_table())

    record = make_record()
    put_records(storage, record)
    table = read_window(storage, MODEL, *WINDOW)
    assert table.schema.equals(SCHEMA)
    assert table["record_id"].to_pylist() == [record.record_id]


def test_window_is_half_open_in_time(storage: SwitchedStorage) -> None:
    """A request at the window's start is in it, one at its end is not, in whatever time zone the bounds are."""
    times = [NOON + timedelta(microseconds=number) for number in range(-1, 4)]
    put_records(storage, *(make_record(time) for time in times))
    berlin = timezone(timedelta(hours=1))

    for zone in (UTC, berlin):
        table = read_window(storage, MODEL, times[1].astimezone(zone), times[3].astimezone(zone))
        assert table["time"].to_pylist() == times[1:3]


@pytest.mark.parametrize("version", [None, VERSION])
def test_window_reads_the_files_of_its_hours_only(storage: SwitchedStorage, version: str | None) -> None:
    """Files of hours outside the window are not even opened; those of every hour and day that it touches are."""
    times = [NOON + timedelta(hours=hours) for hours in (-36, -13, -1, 0, 1, 12, 36)]
    put_records(storage, *(make_record(time) for time in times))

    reading = scan_window(storage, MODEL, NOON - timedelta(hours=13), NOON + timedelta(hours=12, minutes=1), version)

    assert reading.table["time"].to_pylist() == times[1:6]
    assert reading.files == 5


def test_window_is_of_one_model_and_all_or_one_version(storage: SwitchedStorage) -> None:
    """Another model's records are never in a window; of several versions one can be asked for."""
    put_records(storage, make_record(), make_record(model_version="v4"), make_record(model_name="clinical-ner-two"))

    assert sorted(read_window(storage, MODEL, *WINDOW)["model_version"].to_pylist()) == ["v3", "v4"]
    assert read_window(storage, MODEL, *WINDOW, "v4")["model_version"].to_pylist() == ["v4"]
    assert read_window(storage, MODEL, *WINDOW, "v5").num_rows == 0


def test_versions_that_share_a_folder_are_told_apart(storage: SwitchedStorage) -> None:
    """Names that no key can hold fall together in a folder, and a window still has only the version asked for."""
    put_records(storage, make_record(model_version="a b"), make_record(model_version="a/b"), make_record(model_version=""))

    for version in ("a b", "a/b", ""):
        assert read_window(storage, MODEL, *WINDOW, version)["model_version"].to_pylist() == [version]


def test_records_are_read_once(storage: SwitchedStorage) -> None:
    """Records that lie in several files, as when a release wrote the same segment in other bytes, are in the window once."""
    first, second, third = (make_record(NOON - timedelta(minutes=number)) for number in range(3))
    put_records(storage, first, second)
    put_records(storage, second, third, third)

    reading = read(storage)
    assert reading.table["record_id"].to_pylist() == [third.record_id, second.record_id, first.record_id]
    assert (reading.files, reading.duplicates, reading.rejected) == (2, 2, ())


@pytest.mark.parametrize("bounds", [(NOON, NOON - timedelta(seconds=1)), (NOON.replace(tzinfo=None), NOON)])
def test_window_without_sense_is_refused(storage: SwitchedStorage, bounds: tuple[datetime, datetime]) -> None:
    """A window that ends before it starts, or whose bounds have no time zone, is a wrong parameter."""
    with pytest.raises(ConfigError, match="window"):
        read_window(storage, MODEL, *bounds)


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


def test_log_opens_in_pandas(storage: SwitchedStorage, tmp_path: Path) -> None:
    """pandas reads the folder as one table, with model, version, date and hour from its folders."""
    record = make_record()
    put_records(storage, record, make_record(NOON + timedelta(hours=1)))

    frame = pd.read_parquet(tmp_path / "store" / "inference-log").sort_values("time")

    assert len(frame) == 2
    row = frame.iloc[0]
    assert (row["record_id"], row["time"], row["hour"], row["version"]) == (record.record_id, NOON, 12, VERSION)
    assert (list(row["labels"]), list(row["scores"])) == (list(record.labels), list(record.scores))
    assert list(row["unknown_hashes"]) == list(record.unknown_hashes)


def test_log_opens_in_duckdb(storage: SwitchedStorage, tmp_path: Path) -> None:
    """DuckDB reads the folder as one table and filters by its folders."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    put_records(storage, make_record(), make_record(NOON + timedelta(hours=1)))
    files = tmp_path / "store" / "inference-log" / "**" / "*.parquet"

    table = f"read_parquet('{files}', hive_partitioning = true)"
    query = f"select count(*), sum(len(labels)), sum(scores[1]), any_value(unknown_hashes[1]) from {table} where hour = 12"
    assert duckdb.sql(query).fetchall() == [(1, 2, 0.75, "0123456789abcdef")]


def test_parquet_is_compressed_and_read_back() -> None:
    """The files are zstd Parquet that gives back the same table."""
    table = table_of(make_record(), make_record(labels=(), scores=()))
    data = to_parquet(table)

    assert from_parquet(data, "x").equals(table)
    assert pa.parquet.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(1).compression == "ZSTD"
