from math import comb

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.drift.unknown_words import (
    COLUMNS,
    LISTED_WORDS,
    NO_WORDS,
    add_words,
    compare_words,
    count_words,
    thin,
)
from clinical_ner.errors import DataError
from clinical_ner.inference_log.record import hash_word

KEY = b"0123456789abcdef"
NOTES = st.lists(st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 5)), max_size=12)


def log_of(notes, status="ok"):
    """A log whose notes hold these unknown words; a number is a hash, and a word is hashed."""
    hashes = [[word if isinstance(word, str) else f"{word:016x}" for word in sorted(note)] for note in notes]
    return pa.table({"status": [status] * len(hashes), "unknown_hashes": pa.array(hashes, pa.list_(pa.string()))})


def counted(notes):
    return count_words(log_of(notes))


def as_dict(counts):
    return dict(zip(counts.words.tolist(), counts.counts.tolist(), strict=True))


def spread(words, notes, generator, per_note=5):
    """Notes of words drawn by frequency, as in a language: the second word comes half as often as the first."""
    weights = 1 / np.arange(1, words + 1)
    hashes = [int(hash_word(str(number), KEY), 16) for number in range(words)]
    chosen = generator.choice(words, (notes, per_note), p=weights / weights.sum())
    return [{hashes[number] for number in note} for note in chosen]


def test_counts_are_the_notes_that_hold_a_word():
    """A word counts once a note; notes without unknown words are notes."""
    counts = counted([{7, 9}, {7}, set()])
    assert (counts.notes, as_dict(counts)) == (3, {7: 2, 9: 1})


def test_counts_leave_out_refused_notes():
    """A refused note was not read."""
    counts = count_words(pa.concat_tables([log_of([{7}]), log_of([{7, 9}], status="RequestError")]))
    assert (counts.notes, as_dict(counts)) == (1, {7: 1})


@settings(max_examples=50)
@given(NOTES, NOTES, NOTES, st.integers(1, 10))
def test_parts_add_up_to_the_whole(one, two, three, max_words):
    """Whatever the parts and their order, and also when only a sample fits, the sum is the same."""
    parts = [counted(notes) for notes in (one, two, three)]
    left, right = (
        add_words(add_words(*pair, max_words=max_words), last, max_words=max_words) for *pair, last in (parts, reversed(parts))
    )
    whole = add_words(counted(one + two + three), NO_WORDS, max_words=max_words)
    for found in (left, right):
        assert (found.notes, as_dict(found), found.halvings) == (whole.notes, as_dict(whole), whole.halvings)
    assert len(whole.words) <= max_words


def test_sample_is_one_in_a_power_of_two():
    """What is kept does not depend on what was there before: hashes below a limit, half of them each time."""
    counts = counted([{0, 2**62, 2**63 - 1, 2**63, 2**64 - 1}])
    assert as_dict(thin(counts, 1)) == {0: 1, 2**62: 1, 2**63 - 1: 1}
    assert as_dict(thin(counts, 2)) == {0: 1}
    assert thin(thin(counts, 2), 1).halvings == 2


@pytest.mark.parametrize("bad", ["", "xyz", "0123456789abcde", "0123456789abcdef0", "0123456789abcde ", "0123456789ABCDEG"])
def test_words_in_place_of_hashes_are_refused(bad):
    """What is no hash is an error that does not quote it: it may be a word."""
    with pytest.raises(DataError, match="unknown_hashes") as raised:
        counted([{"0123456789abcdef"}, {bad}])
    assert not bad or bad not in str(raised.value)


def test_window_is_compared_with_the_notes_before():
    """Different, new and recurring words, and the new ones that recur, those in most notes first."""
    earlier = counted([{1}, {1, 2}, {3}, set()])
    words = compare_words(counted([{1, 8, 9}, {8, 9}, {8, 9, 10}, {2, 9}]), earlier)
    assert (words.notes, words.earlier_notes) == (4, 4)
    assert (words.different, words.new, words.recurring, words.recurring_new) == (5, 3, 3, 2)
    assert [tuple(word) for word in words.listed] == [(f"{9:016x}", 4), (f"{8:016x}", 3)]
    # Of all eight notes the words 1 and 8 are in three, 9 is in four; 2, 3 and 10 do not recur.
    expected = 2 * comb(4, 3) / comb(8, 3) + comb(4, 4) / comb(8, 4)
    assert words.recurring_new_by_chance == pytest.approx(expected)


def test_no_more_words_are_listed_than_said():
    """However many new words recur, the list is bounded, and the counts are whole."""
    words = compare_words(counted([set(range(1_000))] * 3), NO_WORDS)
    assert (len(words.listed), words.recurring_new) == (LISTED_WORDS, 1_000)


def test_window_of_the_same_language_has_as_many_new_words_as_chance_gives():
    """Notes of one language, most of whose words are rare: many are new, and of those that recur as few as expected."""
    generator = np.random.default_rng(1)
    found, expected, new = 0, 0.0, 0
    for _ in range(40):
        words = compare_words(counted(spread(4_000, 200, generator)), counted(spread(4_000, 400, generator)))
        found, expected, new = found + words.recurring_new, expected + words.recurring_new_by_chance, new + words.new
    assert new > 40 * 100
    assert found == pytest.approx(expected, abs=4 * expected**0.5)
    assert expected > 40


def test_sampled_counts_estimate_the_whole():
    """Counts of a sample stand for the whole: each is within a few percent."""
    generator = np.random.default_rng(2)
    window, earlier = (counted(spread(30_000, 3_000, generator, per_note=8)) for _ in range(2))
    whole, sampled = compare_words(window, earlier), compare_words(thin(window, 2), earlier)
    for name in ("different", "new", "recurring"):
        assert getattr(sampled, name) == pytest.approx(getattr(whole, name), rel=0.1)
        assert getattr(sampled, name) != getattr(whole, name)


def test_columns_are_the_logs():
    """What is read of the log is there."""
    from clinical_ner.inference_log.schema import SCHEMA

    assert set(COLUMNS) <= set(SCHEMA.names)
