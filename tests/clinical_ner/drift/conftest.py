"""Log tables of notes with known columns."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from clinical_ner.drift.columns import SCHEMA, columns_of
from clinical_ner.drift.profile import Model, profile_table
from clinical_ner.drift.reference import reference_of_columns

LABELS = ("DISEASE", "TREATMENT")
MODEL = Model("clinical-ner", "v3", "sha256:" + "3" * 64)
START = datetime(2030, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def log_table(notes, seed=0, *, longer=1.0, site="north"):
    """A log of ``notes`` independent notes; ``longer`` stretches them."""
    generator = np.random.default_rng(seed)
    tokens = np.maximum(generator.normal(80 * longer, 20, notes), 5).astype(int)
    offsets = np.concatenate([[0], np.cumsum(generator.poisson(5, notes))]).astype(np.int32)
    rows = {
        "character_count": tokens * 5 + generator.integers(0, 30, notes),
        "sentence_count": generator.integers(3, 9, notes),
        "token_count": tokens,
        "unknown_count": generator.binomial(tokens, 0.04),
        "labels": pa.ListArray.from_arrays(offsets, np.array(LABELS)[generator.integers(0, 2, offsets[-1])]),
        "scores": pa.ListArray.from_arrays(offsets, 1 - generator.beta(0.5, 5, offsets[-1])),
        "site": [site] * notes,
        "specialty": ["cardiology"] * notes,
    }
    return pa.table(rows, schema=SCHEMA)


def profile(notes, seed=0, model=MODEL, **changes):
    return profile_table(log_table(notes, seed, **changes), model, LABELS)


def reference(notes, seed=1000):
    return reference_of_columns(columns_of(log_table(notes, seed), LABELS), np.arange(notes), MODEL)


@pytest.fixture(scope="session")
def large_reference():
    return reference(2_000)
