import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.record import hash_word
from clinical_ner.review.words import find_words
from tests.clinical_ner.review.samples import make_sample

KEY = b"0123456789abcdef"
TEXTS = ("Zolgensma, then zolgensma.", "Luxturna and zolgensma", "Nothing is new here.")


def found(texts, *words, key=KEY):
    samples = [make_sample(number, text=text, entities=()) for number, text in enumerate(texts)]
    return [(each.word, each.samples) for each in find_words(samples, {hash_word(word, KEY) for word in words}, key)]


def test_words_are_found_in_samples_whatever_their_case():
    """A word counts once a sample, those in most samples come first, and each comes with its hash."""
    assert found(TEXTS, "luxturna", "Zolgensma", "kymriah") == [("zolgensma", 2), ("luxturna", 1)]
    (word,) = find_words([make_sample(text="luxturna", entities=())], {hash_word("luxturna", KEY)}, KEY)
    assert word.hash == hash_word("luxturna", KEY)


def test_words_are_not_found_under_another_key():
    """Without the servers' key a hash stays one."""
    assert found(TEXTS, "zolgensma", key=KEY[::-1]) == []
    with pytest.raises(ConfigError, match="at least 16"):
        found(TEXTS, "zolgensma", key=b"short")


def test_words_that_were_replaced_are_not_found():
    """What de-identification took out of the text cannot come back."""
    assert found(["Seen by Dr. [NAME], given luxturna."], "jansman", "luxturna") == [("luxturna", 1)]


def test_words_of_no_samples_are_none():
    """Nothing to look in, nothing found."""
    assert found([], "zolgensma") == []
