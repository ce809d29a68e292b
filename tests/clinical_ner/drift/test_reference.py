import numpy as np
import orjson
import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.columns import columns_of, table_of_annotations
from clinical_ner.drift.profile import profile_table
from clinical_ner.drift.reference import design_effect, parse_reference, reference_of
from clinical_ner.errors import DataError
from tests.clinical_ner.drift.conftest import LABELS, MODEL, reference


def test_design_effect_of_copies_is_how_many_there_are():
    """Three copies of each value carry a third of the information."""
    values = np.random.default_rng(0).poisson(50, 400)
    assert design_effect(np.repeat(values, 3), np.repeat(np.arange(400), 3)) == pytest.approx(3, rel=0.05)


def test_design_effect_of_independent_values_is_about_one():
    """Patients whose notes have nothing in common cost nothing."""
    values = np.random.default_rng(0).poisson(50, 1_200)
    assert 1 <= design_effect(values, np.repeat(np.arange(400), 3)) < 1.25


def test_design_effect_of_a_constant_is_one():
    """A column that does not vary has no variance to inflate."""
    assert design_effect(np.zeros(10, dtype=int), np.arange(10)) == 1


def test_reference_of_the_model_has_the_profile_of_the_log(tagger):
    """What a model says of its test notes and what the log later says of the same notes give the same profile."""
    documents = synthesize(30, seed=5)
    annotations = [tagger.annotate(document.text) for document in documents]
    made = reference_of(documents, annotations, model=MODEL, labels=LABELS)
    logged = profile_table(table_of_annotations(documents, annotations), MODEL, LABELS)
    assert made.profile.to_json() == logged.to_json()
    assert made.design_effects.keys() == columns_of(table_of_annotations(documents, annotations), LABELS).values.keys()


def test_reference_survives_json():
    """What is read from a reference's file writes the same file."""
    data = reference(100).to_json()
    assert parse_reference(data).to_json() == data


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"profile": {}, "design_effects": {}}'])
def test_reference_of_a_damaged_file_is_refused(damage):
    """A file that is no reference is an error, never an empty reference."""
    with pytest.raises(DataError, match="profile"):
        parse_reference(damage.encode())


def test_reference_without_a_design_effect_is_refused():
    """Each column needs its design effect, of 1 at least."""
    record = orjson.loads(reference(50).to_json())
    record["design_effects"]["tokens"] = 0.5
    with pytest.raises(DataError, match="design effect"):
        parse_reference(orjson.dumps(record))
