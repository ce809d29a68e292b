from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.phrases import MAX_PHRASE_WORDS, PhraseMatch, Phrases

WORDS = st.lists(st.sampled_from("abc"), max_size=20)
PHRASES = st.dictionaries(st.lists(st.sampled_from("abc"), max_size=4).map(tuple), st.integers(), max_size=12)


def test_longest_phrase_is_found():
    """Of phrases that start at the same word it is the longest that stands there, and the search goes on behind it."""
    phrases = Phrases({("a",): 1, ("a", "b"): 2, ("b", "c"): 3, ("a", "b", "c", "d"): 4})
    assert list(phrases.find("abcab")) == [PhraseMatch(0, 2, 2), PhraseMatch(3, 5, 2)]
    assert list(phrases.find("bcabcd")) == [PhraseMatch(0, 2, 3), PhraseMatch(2, 6, 4)]
    assert list(phrases.find("cda")) == [PhraseMatch(2, 3, 1)]


@given(PHRASES, WORDS)
def test_matches_are_known_phrases_from_left_to_right(values, words):
    """Every match stands in the words with its phrase's value; none overlaps; what is left over begins no phrase."""
    free = 0
    for match in Phrases(values).find(words):
        assert match.first >= free
        assert values[tuple(words[match.first : match.last])] == match.value
        longer = [tuple(words[match.first : last]) for last in range(match.last + 1, len(words) + 1)]
        assert not any(phrase in values for phrase in longer)
        assert not _begins_phrase(values, words, free, match.first)
        free = match.last
    assert not _begins_phrase(values, words, free, len(words))


def _begins_phrase(values, words, start, end):
    return any(tuple(words[first:last]) in values for first in range(start, end) for last in range(first + 1, len(words) + 1))


def test_overlong_and_empty_phrases_are_not_kept():
    """A phrase of more words than the limit is never found; neither is one of none."""
    limit = ("x",) * MAX_PHRASE_WORDS
    assert list(Phrases({(): 1, (*limit, "x"): 2}).find([*limit, "x"])) == []
    assert list(Phrases({limit: 1}).find(limit)) == [PhraseMatch(0, MAX_PHRASE_WORDS, 1)]
