"""A sample as it is kept."""

import orjson
import pytest

from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import DataError
from clinical_ner.review.sample import parse_sample
from tests.clinical_ner.review.samples import make_sample


def test_sample_comes_back_from_json():
    """What is written is read back equal, and equal samples give equal bytes."""
    sample = make_sample(7)
    assert parse_sample(sample.to_json(), "a.json") == sample
    assert make_sample(7).to_json() == sample.to_json()


def test_sample_as_document_has_predictions_and_origin():
    """Its document has the record id, the predictions without scores, stratum and probability; empty fields are left out."""
    document = make_sample(7).prediction()
    assert document.id == f"{7:032x}"
    assert [document.text[each.start : each.end] for each in document.entities] == ["asthma", "salbutamol"]
    assert (document.metadata["stratum"], float(document.metadata["probability"])) == ("uniform", 0.1)
    assert "specialty" not in document.metadata


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"record_id": "../Zebulon"}, "record_id"),
        ({"probability": 0.0}, "probability"),
        ({"stratum": "Zebulon"}, "stratum"),
        ({"time": "2026-03-01T12:00:00"}, "time"),
        ({"entities": [[50, 500, "DISEASE", 0.5]]}, "the whole"),
        ({"schema_version": 2}, "schema_version"),
        ({"patient": "Zebulon"}, "patient"),
        ({"text": ""}, "text"),
    ],
)
def test_damaged_samples_are_named_without_their_text(changes, field):
    """What is no sample is refused by file and field, and no value of it is in the message."""
    record = orjson.loads(make_sample(text="Zebulon has asthma", entities=(ScoredEntity(12, 18, "DISEASE", 0.5),)).to_json())
    with pytest.raises(DataError, match=field) as caught:
        parse_sample(orjson.dumps({**record, **changes}), "a.json")
    assert "a.json" in str(caught.value)
    assert "Zebulon" not in str(caught.value)


def test_sample_shows_no_text():
    """The text is in no representation of a sample."""
    assert "salbutamol" not in repr(make_sample())
