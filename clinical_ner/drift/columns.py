"""A value per note (or per entity) and column: what drift is measured on.

Evaluation predictions, at training time, and the inference log, later, take the same way: :func:`table_of_annotations` writes
what a model says of documents in the log's own columns, and :func:`columns_of` reads those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from clinical_ner.documents import Document
from clinical_ner.errors import DataError
from clinical_ner.tagger import Annotation

LOW_SCORE = 0.5
"""An entity with a score below it is one of which the model is not sure."""
SIZES = ("characters", "tokens", "sentences")
REPORTED = ("site", "specialty")
"""Columns that are reported and never decide."""
STATUS_OK = "ok"

SCHEMA = pa.schema(
    [
        ("character_count", pa.int64()),
        ("sentence_count", pa.int64()),
        ("token_count", pa.int64()),
        ("unknown_count", pa.int64()),
        ("labels", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float64())),
        ("site", pa.string()),
        ("specialty", pa.string()),
    ]
)
"""What is read of the log; ``status`` too, where there is one."""


@dataclass(frozen=True, slots=True)
class NoteColumns:
    """Column values of ``notes`` notes.

    ``values[column]`` has shape (values of the column,), finite numbers; ``owners[column]`` has the same shape and names the
    note of each value, 0 to ``notes - 1``. Columns of sizes, rates and flags have one value a note, in order;
    ``low_score_share`` one per note with entities; ``score.<LABEL>`` one per entity.
    """

    notes: int
    refused: int
    values: Mapping[str, NDArray[np.float64]]
    owners: Mapping[str, NDArray[np.int64]]
    categories: Mapping[str, Mapping[str, int]]
    """Notes by value of each of :data:`REPORTED`; ``""`` is not given."""


def decision_columns(labels: Sequence[str]) -> tuple[str, ...]:
    """The columns that decide, for a model that knows ``labels``."""
    rates = tuple(f"entities_per_100_tokens.{label}" for label in labels)
    scores = tuple(f"score.{label}" for label in labels)
    return (*SIZES, "oov_rate", *rates, "has_no_entity", *scores, "low_score_share")


def table_of_annotations(documents: Sequence[Document], annotations: Sequence[Annotation]) -> pa.Table:
    """What a model says of documents, in the log's columns."""
    pairs = list(zip(documents, annotations, strict=True))
    rows = {
        "character_count": [len(document.text) for document in documents],
        "sentence_count": [annotation.sentence_count for annotation in annotations],
        "token_count": [annotation.token_count for annotation in annotations],
        "unknown_count": [annotation.unknown_count for annotation in annotations],
        "labels": [[entity.label for entity in annotation.entities] for annotation in annotations],
        "scores": [[entity.score for entity in annotation.entities] for annotation in annotations],
        **{name: [document.metadata.get(name, "") for document, _ in pairs] for name in REPORTED},
    }
    return pa.table(rows, schema=SCHEMA)


def columns_of(table: pa.Table | pa.RecordBatch, labels: Sequence[str]) -> NoteColumns:
    """Column values of a log table (any order of columns, more columns than needed).

    Notes that were refused (``status`` not ok) are counted and have no values. Labels that the model does not know are left
    out of the columns by label. An empty table gives empty columns.

    Raises:
        DataError: a column is missing, a note has not as many scores as labels, or a value is impossible.
    """
    read = _answered(_select(table))
    lists = _entities(read)
    tokens = _numbers(read, "token_count")
    values: dict[str, NDArray[np.float64]] = {
        "characters": _numbers(read, "character_count"),
        "tokens": tokens,
        "sentences": _numbers(read, "sentence_count"),
        "oov_rate": _ratio(_numbers(read, "unknown_count"), tokens),
        "has_no_entity": (np.bincount(lists.owners, minlength=len(read)) == 0).astype(np.float64),
    }
    every_note = np.arange(len(read))
    owners = dict.fromkeys(values, every_note)
    for label in labels:
        of_label = lists.mask(label)
        found = np.bincount(lists.owners[of_label], minlength=len(read))
        values[f"entities_per_100_tokens.{label}"], owners[f"entities_per_100_tokens.{label}"] = (
            100 * _ratio(found, tokens),
            every_note,
        )
        values[f"score.{label}"], owners[f"score.{label}"] = lists.scores[of_label], lists.owners[of_label]
    values["low_score_share"], owners["low_score_share"] = _low_score_share(lists, len(read))
    return NoteColumns(
        notes=len(read),
        refused=len(table) - len(read),
        values={name: values[name] for name in decision_columns(labels)},
        owners=owners,
        categories={name: _count_values(read, name) for name in REPORTED},
    )


@dataclass(frozen=True, slots=True)
class _Entities:
    """All entities of a table: the note, label (as a code) and score of each, shape (entities,)."""

    owners: NDArray[np.int64]
    codes: NDArray[np.int64]
    names: list[str]
    scores: NDArray[np.float64]

    def mask(self, label: str) -> NDArray[np.bool_]:
        code = self.names.index(label) if label in self.names else -1
        return np.asarray(self.codes == code)


def _select(table: pa.Table | pa.RecordBatch) -> pa.Table:
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise DataError(f"inference log: column {', '.join(missing)} is missing; is this a table of the inference log?")
    return table.select([*SCHEMA.names, *(["status"] if "status" in table.column_names else [])])


def _answered(table: pa.Table) -> pa.Table:
    return table.filter(pc.equal(table["status"], STATUS_OK)) if "status" in table.column_names else table


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    values = np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)
    if not (values >= 0).all():
        raise DataError(f"inference log: {name} is missing or negative in a record")
    return values


def _ratio(part: NDArray[np.float64] | NDArray[np.int64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each, at most 1; 0 of nothing is 0."""
    return np.minimum(np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0), 1.0)


def _entities(table: pa.Table) -> _Entities:
    labels, scores = (table[name].combine_chunks() for name in ("labels", "scores"))
    if not pc.all(pc.equal(pc.list_value_length(labels), pc.list_value_length(scores)), min_count=0).as_py():
        raise DataError("inference log: labels and scores differ in length within a record")
    flat, values = pc.list_flatten(labels), np.asarray(pc.list_flatten(scores), dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError("inference log: a value of scores does not lie between 0 and 1")
    encoded = flat if pa.types.is_dictionary(flat.type) else flat.dictionary_encode()
    return _Entities(
        owners=np.asarray(pc.list_parent_indices(labels), dtype=np.int64),
        codes=np.asarray(encoded.indices, dtype=np.int64),
        names=encoded.dictionary.to_pylist(),
        scores=values,
    )


def _low_score_share(entities: _Entities, notes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of each note's entities with a low score, and the note; notes without entities have none."""
    found = np.bincount(entities.owners, minlength=notes)
    low = np.bincount(entities.owners, weights=entities.scores < LOW_SCORE, minlength=notes)
    having = np.flatnonzero(found)
    return low[having] / found[having], having


def _count_values(table: pa.Table, name: str) -> dict[str, int]:
    counted = table[name].value_counts()
    return {value["values"] or "": value["counts"] for value in counted.to_pylist()}
