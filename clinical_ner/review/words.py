"""Words behind keyed hashes, as far as review samples hold them. Words of notes are protected health information."""

from collections import Counter
from collections.abc import Container, Iterable
from typing import NamedTuple

from clinical_ner.inference_log.record import hash_word
from clinical_ner.review.sample import ReviewSample
from clinical_ner.tokenization import Tokenizer


class FoundWord(NamedTuple):
    """A word, lower-cased, its hash, and how many samples hold it."""

    word: str
    hash: str
    samples: int


def find_words(samples: Iterable[ReviewSample], hashes: Container[str], key: bytes) -> list[FoundWord]:
    """The words of the samples' texts that have one of ``hashes`` under ``key``, those in most samples first.

    Words that were replaced when the text was de-identified, and those in no sample, stay hashes.

    Raises:
        ConfigError: the key is too short.
    """
    tokenizer = Tokenizer()
    counts = Counter(word for sample in samples for word in {token.text.lower() for token in tokenizer.tokens(sample.text)})
    hashed = ((hash_word(word, key), word, count) for word, count in counts.items())
    found = [FoundWord(word, word_hash, count) for word_hash, word, count in hashed if word_hash in hashes]
    return sorted(found, key=lambda each: (-each.samples, each.word))
