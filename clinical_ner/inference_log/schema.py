"""The log's columns by schema version: what a file must hold, and how one of the previous version becomes one of the present.

A new version gets a row in :data:`SCHEMAS` and the step that leads to it in ``_UPGRADES``; the row and step of the version
before the previous one may then go. Files and spools of the previous version are read; those of a newer one are refused.

======= ==============================================================
version change
======= ==============================================================
1       had no ``unknown_hashes``
2       ``unknown_hashes``, empty without a key (and so for version 1)
======= ==============================================================
"""

from collections.abc import Callable, Mapping

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import compute

from clinical_ner.errors import DataError
from clinical_ner.inference_log.record import SCHEMA_VERSION

_VERSION = "schema_version"
_STRING, _STRINGS, _COUNT = pa.string(), pa.list_(pa.string()), pa.int64()

SCHEMA = pa.schema(
    [
        (_VERSION, _COUNT),
        ("record_id", _STRING),
        ("time", pa.timestamp("us", "UTC")),
        ("request_id", _STRING),
        ("text_hash", _STRING),
        ("model_name", _STRING),
        ("model_version", _STRING),
        ("model_digest", _STRING),
        ("site", _STRING),
        ("specialty", _STRING),
        ("note_id", _STRING),
        ("note_bytes", _COUNT),
        ("character_count", _COUNT),
        ("sentence_count", _COUNT),
        ("token_count", _COUNT),
        ("unknown_count", _COUNT),
        ("unknown_hashes", _STRINGS),
        ("labels", _STRINGS),
        ("scores", pa.list_(pa.float64())),
        ("latency_seconds", pa.float64()),
        ("status", _STRING),
    ]
)
"""Of the present version: an :class:`~clinical_ner.inference_log.InferenceRecord` a row; no column is ever null."""

SCHEMAS: Mapping[int, pa.Schema] = {1: SCHEMA.remove(SCHEMA.get_field_index("unknown_hashes")), SCHEMA_VERSION: SCHEMA}


def _add_unknown_hashes(table: pa.Table) -> pa.Table:
    return table.append_column("unknown_hashes", pa.repeat(pa.scalar([], _STRINGS), table.num_rows))


_UPGRADES: Mapping[int, Callable[[pa.Table], pa.Table]] = {1: _add_unknown_hashes}


def conform(table: pa.Table, name: str) -> pa.Table:
    """``table``, read from the file ``name``, in the present :data:`SCHEMA`.

    Raises:
        DataError: a column is missing, unknown, of another type or has nulls, or the version is not read by this release; the
            message names file and column.
    """
    version = schema_version(table, name)
    if version not in SCHEMAS:
        raise DataError(f"{name}: column {_VERSION!r} is {version}; this release reads {', '.join(map(str, SCHEMAS))}")
    _check(table, SCHEMAS[version], name)
    if version == SCHEMA_VERSION:
        return table.select(SCHEMA.names).cast(SCHEMA)
    while version < SCHEMA_VERSION:
        table, version = _UPGRADES[version](table), version + 1
    current = pa.repeat(pa.scalar(SCHEMA_VERSION, _COUNT), table.num_rows)
    return table.set_column(table.column_names.index(_VERSION), _VERSION, current).select(SCHEMA.names).cast(SCHEMA)


def schema_version(table: pa.Table, name: str) -> int:
    """The schema version of a file's records.

    Raises:
        DataError: they have none, several, or one that is not a number.
    """
    if _VERSION not in table.column_names:
        raise DataError(f"{name}: column {_VERSION!r} is missing")
    column = table[_VERSION]
    if column.type != _COUNT:
        raise DataError(f"{name}: column {_VERSION!r} is {column.type}, {_COUNT} expected")
    versions = compute.unique(column).to_pylist() or [SCHEMA_VERSION]
    if len(versions) > 1 or versions[0] is None:
        raise DataError(f"{name}: column {_VERSION!r} has more than one value, or none")
    return int(versions[0])


def _check(table: pa.Table, schema: pa.Schema, name: str) -> None:
    problems = [f"column {column!r} is missing" for column in schema.names if column not in table.column_names]
    for column in table.column_names:
        count = table.column_names.count(column)
        if column not in schema.names or count > 1:
            problems.append(f"column {column!r} is there {count} times" if count > 1 else f"column {column!r} is unknown")
        elif table[column].type != schema.field(column).type:
            problems.append(f"column {column!r} is {table[column].type}, {schema.field(column).type} expected")
        elif table[column].null_count:
            problems.append(f"column {column!r} has {table[column].null_count} nulls")
    if problems:
        raise DataError(f"{name}: {'; '.join(problems)}")
