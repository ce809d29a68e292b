"""Review samples as tests need them."""

from datetime import UTC, datetime

from clinical_ner.documents import ScoredEntity
from clinical_ner.review import ReviewSample

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TEXT = "The patient with asthma was given salbutamol by Dr. [NAME]."
ENTITIES = (ScoredEntity(17, 23, "DISEASE", 0.9), ScoredEntity(34, 44, "TREATMENT", 0.4))


def make_sample(number: int = 0, **changes: object) -> ReviewSample:
    """A sample of a note with a disease and a treatment; ``number`` makes its record id."""
    fields = {
        "record_id": f"{number:032x}",
        "time": NOON,
        "model_name": "clinical-ner",
        "model_version": "v3",
        "model_digest": "sha256:" + "0" * 64,
        "stratum": "uniform",
        "probability": 0.1,
        "site": "north",
        "specialty": "",
        "text": TEXT,
        "entities": ENTITIES,
        "dropped_entities": 0,
        "identifiers": {"NAME": 1},
    }
    return ReviewSample(**{**fields, **changes})
