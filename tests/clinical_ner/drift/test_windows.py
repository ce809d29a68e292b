import pyarrow as pa
import pytest

from clinical_ner.drift.profile import Model, empty_profile
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.windows import judge_window, models_in, profiles_by_model
from clinical_ner.errors import DataError
from tests.clinical_ner.drift.conftest import HOUR, LABELS, MODEL, START, log_table, profile, reference

RULES = DriftRules()
OTHER = Model("clinical-ner", "v4", "sha256:" + "4" * 64)


def judge(window, of_reference):
    return judge_window(window, of_reference, start=START, end=START + HOUR, rules=RULES)


def with_models(notes, *models):
    """A log of that many notes of each model."""
    parts = []
    for model in models:
        table = log_table(notes)
        for name, value in (("model_name", model.name), ("model_version", model.version), ("model_digest", model.digest)):
            table = table.append_column(name, pa.array([value] * notes))
        parts.append(table)
    return pa.concat_tables(parts)


def test_window_of_longer_notes_is_judged(large_reference):
    """A window that can be judged has its columns, and deviates by the largest beyond noise."""
    judged = judge(profile(400, longer=1.3), large_reference)
    assert judged.unjudged == ""
    assert judged.deviation == judged.columns[0].deviation > 10
    assert (judged.notes, judged.reference_notes) == (400, 2_000)


@pytest.mark.parametrize(
    ("window", "of_reference", "reason"),
    [
        (empty_profile(MODEL, LABELS), reference(200), "holds no answered note of clinical-ner v3"),
        (profile(1, longer=9.0), reference(200), "1 notes; a window is judged from 50 on"),
        (profile(100, longer=9.0), None, "clinical-ner v3 has no reference profile"),
        (profile(100, model=OTHER), reference(200), "another model's than clinical-ner v4"),
        (profile(100, longer=9.0), reference(40), "holds 40 notes; 100 are needed"),
    ],
)
def test_window_that_cannot_be_judged_says_why_and_deviates_by_nothing(window, of_reference, reason):
    """Nothing to judge, or nothing to judge it by, is a reason in words and never drift."""
    judged = judge(window, of_reference)
    assert reason in judged.unjudged
    assert judged.deviation == 0
    assert not judged.columns


def test_window_of_two_models_is_profiled_for_each():
    """In the middle of a rollout each model's notes are profiled by themselves, with that model's labels."""
    table = pa.concat_tables([with_models(30, MODEL), with_models(10, OTHER)])
    profiles = profiles_by_model(table, {MODEL.digest: LABELS})
    assert models_in(table) == [MODEL, OTHER]
    assert {model.version: profile.notes for model, profile in profiles.items()} == {"v3": 30, "v4": 10}
    assert "score.DISEASE" in profiles[MODEL].columns
    assert "score.DISEASE" not in profiles[OTHER].columns


def test_window_without_records_has_no_models():
    """An empty log has no model, and no profile."""
    assert profiles_by_model(with_models(0, MODEL), {MODEL.digest: LABELS}) == {}


def test_window_without_the_models_columns_is_refused():
    """A table that does not say whose answers it holds is an error that names the columns."""
    with pytest.raises(DataError, match="model_name, model_version, model_digest"):
        profiles_by_model(log_table(5), {})
