from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.drift.columns import REPORTED
from clinical_ner.drift.profile import Model, empty_profile, merge, parse_profile, profile_batches, profile_table
from clinical_ner.errors import DataError
from tests.clinical_ner.drift.conftest import LABELS, MODEL, log_table, profile

PARTS = st.builds(
    lambda notes, seed, longer, site: profile(notes, seed, longer=longer, site=site),
    st.integers(0, 6),
    st.integers(0, 5),
    st.sampled_from([1.0, 100.0]),
    st.sampled_from(["north", "south", ""]),
)


@settings(max_examples=50)
@given(PARTS, PARTS, PARTS)
def test_merge_is_associative_and_commutative(one, two, three):
    """Parts give the same profile, to the byte, in whatever order they are merged."""
    assert merge(merge(one, two), three).to_json() == merge(one, merge(two, three)).to_json()
    assert merge(one, two).to_json() == merge(two, one).to_json()
    assert merge(one, empty_profile(MODEL, LABELS)).to_json() == one.to_json()


@settings(max_examples=50)
@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=4))
def test_profile_of_the_whole_is_the_merge_of_its_parts(notes, cuts):
    """However a table is cut, its parts' merged profile is its own."""
    table = log_table(notes)
    edges = sorted({0, notes, *(min(cut, notes) for cut in cuts)})
    batches = [batch for low, high in pairwise(edges) for batch in table.slice(low, high - low).to_batches()]
    assert profile_batches(batches, MODEL, LABELS).to_json() == profile_table(table, MODEL, LABELS).to_json()


@settings(max_examples=50)
@given(PARTS)
def test_profile_survives_json(part):
    """What is read from a profile's JSON writes the same JSON."""
    assert parse_profile(orjson.loads(part.to_json())).to_json() == part.to_json()


def test_profile_counts_notes_and_means():
    """A profile knows its notes, each column's mean, and the notes of each site."""
    whole = profile(500, site="south")
    assert whole.notes == whole.values("tokens") == 500
    assert whole.mean("tokens") == pytest.approx(79.5, abs=3)
    assert whole.categories["site"] == {"south": 500}
    assert set(whole.categories) == set(REPORTED)


def test_merge_of_two_models_is_refused():
    """Answers of two models are two populations: their profiles do not merge, and the error names both."""
    with pytest.raises(DataError, match="clinical-ner v3 and clinical-ner v4"):
        merge(profile(3), profile(3, model=Model("clinical-ner", "v4", "sha256:4")))


def test_merge_of_other_columns_is_refused():
    """Profiles of other labels do not merge, and the error names the columns."""
    with pytest.raises(DataError, match=r"score\.TREATMENT"):
        merge(profile(3), profile_table(log_table(3), MODEL, ("DISEASE",)))


@pytest.mark.parametrize("record", [None, [], {}, {"format": 2}, {"format": 1, "model": {}}])
def test_profile_of_a_damaged_record_is_refused(record):
    """What no profile wrote is an error, also a format of the future."""
    with pytest.raises(DataError, match="profile"):
        parse_profile(record)
