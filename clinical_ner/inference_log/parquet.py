"""From the lines of a spool file to Parquet files, one for each model version and hour."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import ArrowException, compute, json
from pyarrow import parquet as pq

from clinical_ner.errors import DataError
from clinical_ner.inference_log.layout import file_key
from clinical_ner.inference_log.schema import SCHEMA, SCHEMAS, conform, schema_version

_LEAST_BLOCK_BYTES = 1 << 20
_HOUR = "_hour"


class LogObject(NamedTuple):
    """A Parquet file to be written; equal records make equal bytes and so an equal key."""

    key: str
    data: bytes
    records: int


def parse_lines(lines: bytes, name: str) -> pa.Table:
    """The records of spool file ``name``, of the present or the previous schema version, as a table of the present one.

    Raises:
        DataError: they are neither.
    """
    # One block: a record that lies across two is refused. The reader leaves Python's lock to others meanwhile.
    reading = json.ReadOptions(use_threads=False, block_size=max(_LEAST_BLOCK_BYTES, len(lines) + 1))
    parsing = json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="error")
    try:
        table = json.read_json(io.BytesIO(lines), reading, parsing)
    except ArrowException as error:
        raise DataError(f"{name}: not records of a schema that this release reads") from error
    version = schema_version(table, name)
    # A column that the lines lack was read as nulls.
    return conform(table.select(SCHEMAS[version].names) if version in SCHEMAS else table, name)


def to_objects(table: pa.Table) -> Iterator[LogObject]:
    """The files to write for the records of ``table``, by model, version and the hour of each record's own time."""
    keyed = table.append_column(_HOUR, compute.floor_temporal(table["time"], unit="hour"))
    for part in _split(keyed, ("model_name", "model_version", _HOUR)):
        model, version = part["model_name"][0].as_py(), part["model_version"][0].as_py()
        hour = datetime.fromtimestamp(part[_HOUR][0].value // 1_000_000, UTC)
        data = to_parquet(part.select(SCHEMA.names))
        yield LogObject(file_key(model, version, hour, data), data, part.num_rows)


def _split(table: pa.Table, columns: Sequence[str]) -> Iterator[pa.Table]:
    """``table`` in parts of equal values in ``columns``.

    ``group_by``, comparing with Python's own values and turning times into them would import pandas, within the server.
    """
    if not columns:
        yield table
        return
    for value in compute.unique(table[columns[0]]):
        yield from _split(table.filter(compute.equal(table[columns[0]], value)), columns[1:])


def to_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def from_parquet(data: bytes, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in file ``name`` as it is, or those of ``columns`` that it has, in their order.

    Raises:
        DataError: it is no Parquet file, or a damaged one.
    """
    if not data:
        raise DataError(f"{name}: the file is empty")
    try:
        return pq.ParquetFile(pa.BufferReader(data)).read(columns=columns, use_threads=False)
    except (ArrowException, OSError) as error:
        raise DataError(f"{name}: not a Parquet file, or a damaged one") from error
