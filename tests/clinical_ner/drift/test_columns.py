import numpy as np
import pyarrow as pa
import pytest

from clinical_ner.documents import Document, ScoredEntity
from clinical_ner.drift.columns import columns_of, decision_columns, table_of_annotations
from clinical_ner.errors import DataError
from clinical_ner.tagger import Annotation
from tests.clinical_ner.drift.conftest import LABELS, log_table

DOCUMENTS = [
    Document("1", "Asthma, gout: aspirin.", metadata={"site": "north", "specialty": "pulmonology"}),
    Document("2", "Nothing to find.", metadata={"site": "south"}),
]
ANNOTATIONS = [
    Annotation(
        (ScoredEntity(0, 6, "DISEASE", 0.9), ScoredEntity(8, 12, "DISEASE", 0.4), ScoredEntity(14, 21, "TREATMENT", 0.8)),
        sentence_count=1,
        token_count=6,
        unknown_count=3,
    ),
    Annotation((), sentence_count=1, token_count=4, unknown_count=0),
]


def test_columns_of_two_notes_are_their_sizes_rates_and_scores():
    """Sizes, rates and the flag have a value a note, the low score share one a note with entities, scores one an entity."""
    columns = columns_of(table_of_annotations(DOCUMENTS, ANNOTATIONS), LABELS)
    expected = {
        "characters": [22, 16],
        "tokens": [6, 4],
        "sentences": [1, 1],
        "oov_rate": [0.5, 0],
        "entities_per_100_tokens.DISEASE": [100 * 2 / 6, 0],
        "entities_per_100_tokens.TREATMENT": [100 / 6, 0],
        "has_no_entity": [0, 1],
        "score.DISEASE": [0.9, 0.4],
        "score.TREATMENT": [0.8],
        "low_score_share": [1 / 3],
    }
    assert {name: values.tolist() for name, values in columns.values.items()} == {
        name: pytest.approx(values) for name, values in expected.items()
    }
    assert tuple(columns.values) == decision_columns(LABELS)
    assert columns.categories == {"site": {"north": 1, "south": 1}, "specialty": {"pulmonology": 1, "": 1}}


def test_columns_owners_name_the_note_of_each_value():
    """Each value's owner is its note, so that an entity's note and patient are known."""
    swapped = columns_of(table_of_annotations(DOCUMENTS[::-1], ANNOTATIONS[::-1]), LABELS)
    assert swapped.owners["score.DISEASE"].tolist() == [1, 1]
    assert swapped.owners["low_score_share"].tolist() == [1]
    assert swapped.owners["tokens"].tolist() == [0, 1]


def test_columns_of_a_log_are_those_of_the_evaluation():
    """A log with more columns, in another order, with dictionaries and in chunks, gives what the evaluation gives."""
    plain = table_of_annotations(DOCUMENTS, ANNOTATIONS)
    log = plain.append_column("status", pa.array(["ok", "ok"])).append_column("latency_seconds", pa.array([0.1, 0.2]))
    log = log.select(sorted(log.column_names)).set_column(
        sorted(log.column_names).index("site"), "site", log["site"].dictionary_encode()
    )
    chunked = pa.concat_tables([log.slice(0, 1), log.slice(1)])
    expected, found = columns_of(plain, LABELS), columns_of(chunked, LABELS)
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values)
    assert found.categories == expected.categories


def test_columns_leave_out_refused_notes_and_count_them():
    """A refused note has no values, and is counted as refused."""
    table = table_of_annotations(DOCUMENTS, ANNOTATIONS).append_column("status", pa.array(["RequestTooLarge", "ok"]))
    columns = columns_of(table, LABELS)
    assert (columns.notes, columns.refused, columns.values["tokens"].tolist()) == (1, 1, [4])


def test_columns_of_an_empty_table_are_empty():
    """No records: no values, in every column."""
    columns = columns_of(log_table(0), LABELS)
    assert columns.notes == 0
    assert all(not len(values) for values in columns.values.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["scores", "token_count"]), "column token_count, scores is missing"),
        (lambda table: _replaced(table, "scores", [[0.9], []]), "labels and scores differ in length"),
        (lambda table: _replaced(table, "scores", [[0.9, float("nan"), 0.8], []]), "scores does not lie between"),
        (lambda table: _replaced(table, "scores", [[0.9, 1.5, 0.8], []]), "scores does not lie between"),
        (lambda table: _replaced(table, "token_count", [None, 4]), "token_count is missing or negative"),
        (lambda table: _replaced(table, "unknown_count", [-1, 0]), "unknown_count is missing or negative"),
    ],
)
def test_columns_of_an_impossible_table_are_an_error_that_names_the_column(change, message):
    """What cannot be is never measured as drift: the error names the column."""
    with pytest.raises(DataError, match=message):
        columns_of(change(table_of_annotations(DOCUMENTS, ANNOTATIONS)), LABELS)


def _replaced(table, name, values):
    position = table.column_names.index(name)
    return table.set_column(position, name, pa.array(values, type=table.schema.field(name).type))
