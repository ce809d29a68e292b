"""Reading a window: its bounds, each record once, and files that are not what they should be."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.parquet import from_parquet, to_parquet
from clinical_ner.inference_log.reading import read_window, scan_window
from clinical_ner.inference_log.schema import SCHEMA
from tests.clinical_ner.inference_log.logged import put_records, read, table_of
from tests.clinical_ner.inference_log.records import MODEL, NOON, VERSION, WINDOW, SwitchedStorage, make_record


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
