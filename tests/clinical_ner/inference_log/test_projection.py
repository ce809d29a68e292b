"""A few columns of the log against the whole of it."""

from datetime import timedelta

import pyarrow as pa
import pytest

from clinical_ner.inference_log.layout import file_key
from clinical_ner.inference_log.parquet import from_parquet, parse_lines, to_objects, to_parquet
from clinical_ner.inference_log.projection import read_columns
from clinical_ner.inference_log.reading import read_window
from clinical_ner.inference_log.record import encode_records
from tests.clinical_ner.inference_log.records import MODEL, NOON, VERSION, WINDOW, SwitchedStorage, make_record

COLUMNS = ("status", "unknown_hashes")


def put(storage, *records):
    for written in to_objects(parse_lines(encode_records(records), "segment")):
        storage.write(written.key, written.data)


def read(storage, start=WINDOW[0], end=WINDOW[1], columns=COLUMNS):
    return list(read_columns(storage, MODEL, start, end, VERSION, columns))


def test_columns_are_those_of_the_window(storage: SwitchedStorage) -> None:
    """All hours together are the window's columns, in its order; records of other versions, models and times are left out."""
    records = [make_record(NOON + timedelta(minutes=17 * number), unknown_hashes=(f"{number:016x}",)) for number in range(30)]
    put(storage, *records, make_record(model_version="v4"), make_record(model_name="other"))
    start, end = NOON + timedelta(minutes=30), NOON + timedelta(hours=5)

    tables = read(storage, start, end)

    assert len(tables) == 5
    assert pa.concat_tables(tables).equals(read_window(storage, MODEL, start, end, VERSION).select(COLUMNS))


def test_columns_of_no_records_are_no_tables(storage: SwitchedStorage) -> None:
    """A store without a log has nothing to look back on."""
    assert read(storage) == []


def test_columns_have_each_record_once(storage: SwitchedStorage) -> None:
    """A record that lies in two files of its hour counts once."""
    first, second = make_record(), make_record(NOON + timedelta(seconds=1))
    put(storage, first)
    put(storage, first, second)
    assert read(storage)[0].num_rows == 2


def test_columns_of_the_previous_schema_are_empty_lists(storage: SwitchedStorage) -> None:
    """A file of schema version 1 had no hashes: its records count, without any."""
    table = parse_lines(encode_records([make_record()]), "segment").drop_columns(["unknown_hashes"])
    old = table.set_column(0, "schema_version", pa.array([1], pa.int64()))
    storage.write(file_key(MODEL, VERSION, NOON.replace(minute=0), data := to_parquet(old)), data)
    assert read(storage)[0].to_pydict() == {"status": ["ok"], "unknown_hashes": [[]]}


@pytest.mark.parametrize("damage", ["empty", "text", "renamed", "null"])
def test_bad_file_is_passed_over(storage: SwitchedStorage, damage: str) -> None:
    """What cannot be read is left where it is, and the other files of its hour are read."""
    put(storage, make_record())
    table = parse_lines(encode_records([make_record()]), "segment")
    position = table.column_names.index("status")
    data = {
        "empty": b"",
        "text": b"no Parquet at all, but long enough to be looked at",
        "renamed": to_parquet(table),
        "null": to_parquet(table.set_column(position, "status", pa.array([None], pa.string()))),
    }[damage]
    named_after = b"other bytes" if damage == "renamed" else data
    storage.write(key := file_key(MODEL, VERSION, NOON.replace(minute=0), named_after), data)

    assert [part.num_rows for part in read(storage)] == [1]
    assert storage.read(key) == data


def test_projection_of_a_file_is_its_columns() -> None:
    """Columns come in the order that they are asked for, and one that the file lacks is left out."""
    data = to_parquet(pa.table({"first": [1], "second": [2], "third": [3]}))
    assert from_parquet(data, "file", ["third", "fourth", "first"]).column_names == ["third", "first"]
