"""One record of the inference log, and its form as a JSON line."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import orjson

from clinical_ner.errors import ConfigError

SCHEMA_VERSION = 2
OK = "ok"
MIN_KEY_BYTES = 16
"""Of the key of texts, words and draws: a shorter one can be found by trying."""
WORD_HASH_DIGITS = 16
"""64 bits: among a million words the chance of any collision is 3e-8."""
MOST_WORD_HASHES = 1000
"""A note: hashes are many times as long as the words that somebody could write to fill the disk."""

_WORD = b"unknown word"  # so that no word has the hash of anything else
_VERSIONED = b'{"schema_version":%d,' % SCHEMA_VERSION


# Neither frozen nor with slots: one is made and encoded in every request, and so that takes a sixth of the time.
@dataclass
class InferenceRecord:
    """What is kept of one note that was answered, or whose tagging failed. Its text is not."""

    record_id: str
    """The reply's, 32 hex digits: review samples and corrections are joined by it."""
    time: datetime
    """Of the request; aware, in UTC."""
    request_id: str
    text_hash: str
    """:func:`hash_text`, empty when there is no key."""
    model_name: str
    model_version: str
    model_digest: str
    site: str
    specialty: str
    note_id: str
    """As ``site`` and ``specialty`` the caller's, empty when not given."""
    note_bytes: int
    character_count: int
    sentence_count: int
    token_count: int
    unknown_count: int
    unknown_hashes: tuple[str, ...]
    """:func:`hash_words` of the words that the model does not know."""
    labels: tuple[str, ...]
    """One an entity in the order of the text, whatever ``min_score`` the request had."""
    scores: tuple[float, ...]
    latency_seconds: float
    """Of the whole request, from its being decoded to its being logged, which is just before the reply."""
    status: str
    """``ok``, or the name of the error's class; counts and entities are then 0 and none."""


def encode_records(records: Sequence[InferenceRecord]) -> bytes:
    """A JSON line each, with ``schema_version`` in front of the record's own fields."""
    return b"".join(_VERSIONED + orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)[1:] for record in records)


def hash_text(text: bytes, key: bytes) -> str:
    """HMAC-SHA256 of ``text`` (UTF-8) as hex digits; empty without a key, since whoever guesses a note could tell by its bare
    hash that he is right.
    """
    return hmac.digest(key, text, hashlib.sha256).hex() if key else ""


def hash_words(words: Iterable[str], key: bytes) -> tuple[str, ...]:
    """:func:`hash_word` of the first :data:`MOST_WORD_HASHES` of ``words``, distinct and sorted; none without a key."""
    if not key:
        return ()
    usable = _word_key(key)
    return tuple(sorted({_hash_word(word, usable) for word in islice(words, MOST_WORD_HASHES)}))


def hash_word(word: str, key: bytes) -> str:
    """The keyed hash (BLAKE2b of 64 bits, RFC 7693, hexadecimal) of a word, whatever its case.

    Raises:
        ConfigError: the key is too short to keep words secret, which are few enough to try all of them.
    """
    return _hash_word(word, _word_key(key))


def _hash_word(word: str, key: bytes) -> str:
    # Not HMAC, which takes three times as long; a note has several unknown words.
    data = word.lower().encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=WORD_HASH_DIGITS // 2, key=key, person=_WORD).hexdigest()


def _word_key(key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise ConfigError(f"key for word hashes: {len(key)} bytes; at least {MIN_KEY_BYTES} are needed")
    return key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.sha512(key).digest()
