"""Records as lines and back."""

import hashlib
import hmac
from dataclasses import asdict
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.inference_log.parquet import parse_lines
from clinical_ner.inference_log.record import SCHEMA_VERSION, InferenceRecord, encode_records, hash_text

COUNT = st.integers(0, 2**53)
NAME = st.text(max_size=20)
RECORDS = st.builds(
    InferenceRecord,
    time=st.datetimes(timezones=st.just(UTC)),
    labels=st.lists(NAME, max_size=3).map(tuple),
    scores=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    latency_seconds=st.floats(0, 1e6),
    **dict.fromkeys(["note_bytes", "character_count", "sentence_count", "token_count", "unknown_count"], COUNT),
    **dict.fromkeys(
        "record_id request_id text_hash model_name model_version model_digest site specialty note_id status".split(), NAME
    ),
)


@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_records_are_read_from_their_lines(records: list[InferenceRecord]) -> None:
    """Every field of every record comes back from its line as it was, in the present schema version."""
    rows = parse_lines(encode_records(records), "a spool file").to_pylist()

    expected = [{"schema_version": SCHEMA_VERSION, **asdict(record)} for record in records]
    assert rows == [{**row, "labels": list(row["labels"]), "scores": list(row["scores"])} for row in expected]


def test_hash_needs_a_key() -> None:
    """With a key the hash is HMAC-SHA256 of the UTF-8 text; without one there is none."""
    text = "Fièvre".encode()

    assert hash_text(text, b"key") == hmac.new(b"key", text, hashlib.sha256).hexdigest()
    assert hash_text(text, b"") == ""
