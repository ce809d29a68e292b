"""A few columns of a long stretch of the log, an hour at a time: what looks far back need not hold it all."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

import pyarrow as pa  # type: ignore[import-untyped]
import structlog

from clinical_ner.errors import DataError, NotFound
from clinical_ner.inference_log.layout import LogFile
from clinical_ner.inference_log.parquet import from_parquet
from clinical_ner.inference_log.reading import check_digest, distinct, list_files, within
from clinical_ner.inference_log.schema import SCHEMA, conform
from clinical_ner.storage import Storage

_KEYS = ("record_id", "time", "model_name", "model_version")

log = structlog.get_logger("inference_log")


def read_columns(
    storage: Storage, model_name: str, start: datetime, end: datetime, version: str, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """``columns`` of a version's records from ``start`` on and before ``end``, both aware: a table an hour, each record once.

    A file that cannot be read is passed over and logged; it stays for :func:`~clinical_ner.inference_log.reading.scan_window`,
    which moves it to the quarantine.

    Raises:
        StorageError: the store cannot be read.
    """
    needed = list(dict.fromkeys([*_KEYS, *columns]))
    files = list_files(storage, model_name, start.astimezone(UTC), end.astimezone(UTC), version)
    # A record lies in the folder of its hour, and so do its copies.
    for _, of_hour in groupby(sorted(files, key=lambda file: file.hour), key=lambda file: file.hour):
        tables = [table for file in of_hour if (table := _read(storage, file, needed)) is not None]
        if tables:
            yield distinct(within(pa.concat_tables(tables), model_name, start, end, version)).select(columns)


def _read(storage: Storage, file: LogFile, needed: Sequence[str]) -> pa.Table | None:
    try:
        data = storage.read(file.key)
        check_digest(file, data)
        table = from_parquet(data, file.key, needed)
        if not _is_current(table, needed):
            table = conform(from_parquet(data, file.key), file.key).select(needed)
    except NotFound:
        return None  # removed since it was listed
    except DataError as error:
        log.warning("log_file_passed_over", key=file.key, reason=str(error))
        return None
    return table


def _is_current(table: pa.Table, needed: Sequence[str]) -> bool:
    """Whether a projection can be used as it is; a file of an earlier schema, or a bad one, has to be looked at whole."""
    schema = pa.schema([SCHEMA.field(name) for name in needed])
    return table.column_names == list(needed) and table.schema.equals(schema) and not any(c.null_count for c in table.columns)
