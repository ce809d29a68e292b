"""Reading the log back: the records of a window, each once, and what became of files that cannot be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa  # type: ignore[import-untyped]
import structlog
from pyarrow import compute

from clinical_ner.digests import digest_of
from clinical_ner.errors import ConfigError, DataError, NotFound, StorageError
from clinical_ner.inference_log.layout import REASON, LogFile, folder_of, parse_key, quarantined
from clinical_ner.inference_log.parquet import from_parquet
from clinical_ner.inference_log.schema import SCHEMA, SCHEMAS, conform, schema_version
from clinical_ner.storage import Storage

_HOUR = timedelta(hours=1)

log = structlog.get_logger("inference_log")


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file whose records are not in the window."""

    key: str
    reason: str
    """Names the file and the column."""
    moved_to: str
    """Its key in the quarantine; empty when it was left where it is."""


@dataclass(frozen=True, slots=True)
class WindowReading:
    """``table`` has :data:`~clinical_ner.inference_log.schema.SCHEMA`, a row a record, by time and record id."""

    table: pa.Table
    files: int
    """Read, without the rejected."""
    duplicates: int
    """Rows left out because another has their record id."""
    rejected: tuple[RejectedFile, ...]


def read_window(
    storage: Storage, model_name: str, start: datetime, end: datetime, version: str | None = None, *, quarantine: bool = True
) -> pa.Table:
    """The table of :func:`scan_window`; rejected files are logged."""
    return scan_window(storage, model_name, start, end, version, quarantine=quarantine).table


def scan_window(
    storage: Storage, model_name: str, start: datetime, end: datetime, version: str | None = None, *, quarantine: bool = True
) -> WindowReading:
    """The records of requests from ``start`` on and before ``end``, of one model version or of all.

    A file that is not Parquet, is not what its name says, or breaks the schema is moved to the quarantine with the reason
    beside it (with ``quarantine`` false it stays); one of a newer schema is left for newer readers.

    Raises:
        ConfigError: ``start`` or ``end`` has no time zone, or ``end`` comes first.
        StorageError: the store cannot be read.
    """
    if start.tzinfo is None or end.tzinfo is None or end < start:
        raise ConfigError("window: start and end need a time zone, and end must not come before start")
    tables, rejected = [SCHEMA.empty_table()], []
    for file in list_files(storage, model_name, start.astimezone(UTC), end.astimezone(UTC), version):
        outcome = _read_file(storage, file, quarantine=quarantine)
        if isinstance(outcome, RejectedFile):
            log.error("log_file_rejected", key=file.key, reason=outcome.reason, moved_to=outcome.moved_to)
            rejected.append(outcome)
        elif outcome is not None:
            tables.append(within(outcome, model_name, start, end, version))
    rows = pa.concat_tables(tables)
    table = distinct(rows)
    return WindowReading(table, len(tables) - 1, rows.num_rows - table.num_rows, tuple(rejected))


def list_files(storage: Storage, model: str, start: datetime, end: datetime, version: str | None) -> Iterator[LogFile]:
    """The log's files that may hold records from ``start`` on and before ``end``, both in UTC."""
    days = (end.date() - start.date()).days + 1
    # With a version each day is a prefix of its own; without, a listing has to pass over all days that are kept.
    prefixes = [folder_of(model)] if version is None else (
        folder_of(model, version or "_", start.date() + timedelta(days=number)) for number in range(days)
    )  # fmt: skip
    for prefix in prefixes:
        files = (parse_key(key) for key in storage.list(prefix))
        yield from (file for file in files if file is not None and file.hour < end and file.hour + _HOUR > start)


def _read_file(storage: Storage, file: LogFile, *, quarantine: bool) -> pa.Table | RejectedFile | None:
    """None when the file was removed since it was listed."""
    try:
        data = storage.read(file.key)
    except NotFound:
        return None
    try:
        check_digest(file, data)
        table = from_parquet(data, file.key)
        if schema_version(table, file.key) > max(SCHEMAS):
            return RejectedFile(file.key, f"{file.key}: of a newer schema version; read it with a newer release", "")
        return conform(table, file.key)
    except DataError as error:
        return RejectedFile(file.key, str(error), _move(storage, file.key, data, str(error)) if quarantine else "")


def check_digest(file: LogFile, data: bytes) -> None:
    """Raises DataError when ``file`` is named after other bytes."""
    if file.digest and digest_of(data) != file.digest:
        raise DataError(f"{file.key}: its {len(data):,} bytes are not those that it was named after")


def _move(storage: Storage, key: str, data: bytes, reason: str) -> str:
    target = quarantined(key)
    try:
        storage.write(target, data)
        storage.write(target + REASON, reason.encode())
        storage.delete(key)
    except StorageError as error:
        log.warning("log_file_not_moved", key=key, reason=str(error))
        return ""
    return target


def within(table: pa.Table, model: str, start: datetime, end: datetime, version: str | None) -> pa.Table:
    """The rows of a model, of one version or of all, from ``start`` on and before ``end``."""
    times, bound = table["time"], SCHEMA.field("time").type
    rows = compute.and_(compute.greater_equal(times, pa.scalar(start, bound)), compute.less(times, pa.scalar(end, bound)))
    rows = compute.and_(rows, compute.equal(table["model_name"], model))
    return table.filter(rows if version is None else compute.and_(rows, compute.equal(table["model_version"], version)))


def distinct(table: pa.Table) -> pa.Table:
    """One row for each record id, by time and record id; rows of one id are equal."""
    numbered = table.append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    first = numbered.group_by("record_id", use_threads=False).aggregate([("_row", "min")])["_row_min"]
    return table.take(first).sort_by([("time", "ascending"), ("record_id", "ascending")])
