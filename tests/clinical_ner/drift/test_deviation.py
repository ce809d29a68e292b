import numpy as np
import pyarrow as pa
import pytest

from clinical_ner.drift.columns import SCHEMA, NoteColumns, columns_of
from clinical_ner.drift.deviation import compare, deviation_of
from clinical_ner.drift.profile import profile_of, profile_table
from clinical_ner.errors import DataError
from tests.clinical_ner.drift.conftest import LABELS, MODEL, log_table, profile, reference

REPLACED = ("characters", "tokens", "oov_rate", "entities_per_100_tokens.DISEASE")
BEYOND = {"characters": 1e6, "tokens": 1e5, "oov_rate": 1.0, "entities_per_100_tokens.DISEASE": 99.0}


@pytest.mark.parametrize("percent", [2, 5, 10, 30, 100])
@pytest.mark.parametrize("notes", [1_000, 5_000])
def test_deviation_reads_the_share_of_notes_outside_the_reference(large_reference, notes, percent):
    """Replacing x % of the notes by notes from outside the reference's bins reads x +- 1, in every column."""
    columns = columns_of(log_table(notes, seed=1), LABELS)
    values = {name: column.copy() for name, column in columns.values.items()}
    for name in REPLACED:
        values[name][: notes * percent // 100] = BEYOND[name]
    window = profile_of(NoteColumns(notes, 0, values, columns.owners, columns.categories), MODEL)
    found = {column.column: column for column in compare(large_reference, window)}
    for name in REPLACED:
        assert found[name].deviation == pytest.approx(percent, abs=1)
        assert found[name].beyond_noise
        assert found[name].outside == pytest.approx(percent, abs=0.5)


def test_deviation_of_the_reference_from_itself_is_nothing(large_reference):
    """A window equal to the reference deviates by 0 in every column, and none is beyond noise."""
    columns = compare(large_reference, large_reference.profile)
    assert all(column.deviation == column.distance == 0 and not column.beyond_noise for column in columns)


@pytest.mark.parametrize(("reference_notes", "notes"), [(300, 50), (300, 1_000), (1_000, 200)])
def test_deviation_of_undrifted_windows_is_nothing_nearly_always(reference_notes, notes):
    """Of 80 fresh windows against fresh references at most 2 read as retrain, however small either is."""
    alarms = 0
    for seed in range(80):
        references = reference(reference_notes, seed=10_000 + seed % 10)
        alarms += deviation_of(compare(references, profile(notes, seed=20_000 + seed))) >= 5
    assert alarms <= 2


def test_deviation_of_longer_notes_is_found(large_reference):
    """Notes a fifth longer are beyond noise in their sizes and not in their scores."""
    columns = {column.column: column for column in compare(large_reference, profile(500, longer=1.2))}
    assert columns["tokens"].deviation > 20
    assert columns["tokens"].window_mean > columns["tokens"].reference_mean
    assert not columns["score.DISEASE"].beyond_noise


def test_compare_lists_what_counts_first(large_reference):
    """Columns beyond noise come first, by deviation; the window's deviation is the first one's."""
    columns = compare(large_reference, profile(500, longer=1.2))
    beyond = [column.deviation for column in columns if column.beyond_noise]
    assert beyond == [column.deviation for column in columns[: len(beyond)]] == sorted(beyond, reverse=True)
    assert deviation_of(columns) == beyond[0]
    assert deviation_of(columns[len(beyond) :]) == 0


def test_compare_knows_nothing_of_a_column_without_values(large_reference):
    """A window in which no entity was found has no scores: they deviate by 0, and the flag says what happened."""
    table = log_table(200).drop_columns(["labels", "scores"])
    for name in ("labels", "scores"):
        table = table.append_column(name, pa.array([[]] * 200, type=SCHEMA.field(name).type))
    silent = profile_table(table, MODEL, LABELS)
    columns = {column.column: column for column in compare(large_reference, silent)}
    assert columns["score.DISEASE"].window_values == 0
    assert not columns["score.DISEASE"].beyond_noise
    assert columns["has_no_entity"].deviation > 95


def test_compare_refuses_a_window_of_other_columns(large_reference):
    """A window profiled with other labels is an error that names the column."""
    with pytest.raises(DataError, match=r"score\.TREATMENT"):
        compare(large_reference, profile_table(log_table(100), MODEL, ("DISEASE",)))


def test_deviation_of_clustered_notes_allows_for_the_cluster(large_reference):
    """The same distance is beyond noise of independent notes, and not when notes come in bundles of thirty."""
    window = profile(500, longer=1.06)
    effects = dict.fromkeys(large_reference.design_effects, 30.0)
    bundled = type(large_reference)(large_reference.profile, effects)
    assert deviation_of(compare(large_reference, window)) > 0
    assert deviation_of(compare(bundled, window)) == 0


def test_deviation_never_exceeds_what_is_possible(large_reference):
    """Deviations are percent, 0 to 100, also of a window that is nothing like the reference."""
    columns = compare(large_reference, profile(300, longer=500.0))
    assert all(0 <= column.deviation <= 100 for column in columns)
    assert np.isclose(deviation_of(columns), 100)
