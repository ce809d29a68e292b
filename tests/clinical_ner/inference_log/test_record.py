"""Records as lines and back."""

import hashlib
import hmac
from dataclasses import asdict
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.parquet import parse_lines
from clinical_ner.inference_log.record import (
    MOST_WORD_HASHES,
    SCHEMA_VERSION,
    InferenceRecord,
    encode_records,
    hash_text,
    hash_word,
    hash_words,
)

KEY = b"a key of 16 bytes"
COUNT = st.integers(0, 2**53)
NAME = st.text(max_size=20)
RECORDS = st.builds(
    InferenceRecord,
    time=st.datetimes(timezones=st.just(UTC)),
    labels=st.lists(NAME, max_size=3).map(tuple),
    unknown_hashes=st.lists(NAME, max_size=3).map(tuple),
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
    assert rows == [
        {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()} for row in expected
    ]


def test_hash_needs_a_key() -> None:
    """With a key the hash is HMAC-SHA256 of the UTF-8 text; without one there is none."""
    text = "Fièvre".encode()

    assert hash_text(text, b"key") == hmac.new(b"key", text, hashlib.sha256).hexdigest()
    assert hash_text(text, b"") == ""


@given(st.lists(st.text(st.characters(codec=None)), max_size=30))
def test_words_are_hashed_once_each(words: list[str]) -> None:
    """Any words, lone surrogates among them, give a sorted hash for each that differs, and nothing without a key."""
    hashes = hash_words(words, KEY)

    assert list(hashes) == sorted({hash_word(word, KEY) for word in words})
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in hashes)
    assert hash_words(words, b"") == ()


def test_word_hash_is_of_its_key_and_of_words_alone() -> None:
    """A word's hash depends on the key and not on case, is no text's, and is refused under a key that can be guessed."""
    assert hash_word("Zolgensma", KEY) == hash_word("zolgensma", KEY)
    assert len({hash_word("zolgensma", KEY), hash_word("zolgensmb", KEY), hash_word("zolgensma", KEY[::-1])}) == 3
    assert not hash_text(b"zolgensma", KEY).startswith(hash_word("zolgensma", KEY))
    with pytest.raises(ConfigError, match="4 bytes; at least 16"):
        hash_word("zolgensma", b"1234")
    long = bytes(range(200))
    assert hash_word("zolgensma", long) != hash_word("zolgensma", long[:64])


def test_hashes_of_a_note_are_bounded() -> None:
    """Of a note of nothing but new words the first ones are hashed, and no more."""
    words = [f"word{number}" for number in range(10 * MOST_WORD_HASHES)]

    assert hash_words(words, KEY) == hash_words(words[:MOST_WORD_HASHES], KEY)
    assert len(hash_words(words, KEY)) == MOST_WORD_HASHES
