import pytest

from clinical_ner.drift.novelty import hash_word, measure_novelty
from clinical_ner.drift.profile import profile_table
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.windows import judge_window
from clinical_ner.errors import ConfigError
from tests.clinical_ner.drift.conftest import HOUR, LABELS, MODEL, START, log_table

KEY = b"0123456789abcdef"


def judged(reference, unknown_factor=1):
    table = log_table(400)
    position = table.column_names.index("unknown_count")
    values = [min(count * unknown_factor, 100) for count in table["unknown_count"].to_pylist()]
    window = profile_table(table.set_column(position, table.schema.field(position), [values]), MODEL, LABELS)
    return window, judge_window(window, reference, start=START, end=START + HOUR, rules=DriftRules())


def test_hash_of_a_word_depends_on_key_and_word_and_not_on_case():
    """Equal words have equal hashes under one key, and other keys tell nothing of them."""
    assert hash_word("Zolgensma", KEY) == hash_word("zolgensma", KEY)
    assert hash_word("zolgensma", KEY) != hash_word("zolgensmb", KEY)
    assert hash_word("zolgensma", KEY) != hash_word("zolgensma", KEY[::-1])
    assert len(hash_word("zolgensma", KEY)) == 16


def test_hash_with_a_short_key_is_refused():
    """A key that can be guessed keeps no word secret."""
    with pytest.raises(ConfigError, match="4 bytes; at least 16"):
        hash_word("word", b"1234")


def test_novelty_of_an_ordinary_window_is_no_alert(large_reference):
    """As many unknown words as in the reference, all seen before, are nothing new."""
    hashes = [f"{number:016x}" for number in range(300)]
    novelty = measure_novelty(*judged(large_reference), hashes=hashes, seen=frozenset(hashes))
    assert not novelty.alert
    assert novelty.unknown_rate == pytest.approx(novelty.reference_rate, abs=0.01)


def test_novelty_of_many_unknown_words_is_an_alert(large_reference):
    """Twice the unknown words of the reference, beyond noise, are worth a look, without any hash."""
    novelty = measure_novelty(*judged(large_reference, unknown_factor=2))
    assert novelty.alert
    assert novelty.unknown_rate == pytest.approx(0.08, abs=0.01)


def test_novelty_of_new_words_at_the_usual_rate_is_an_alert(large_reference):
    """The same rate of unknown words, but other words than ever before, shows in their hashes alone."""
    seen = frozenset(f"{number:016x}" for number in range(300))
    novelty = measure_novelty(*judged(large_reference), hashes=[f"{number:016x}" for number in range(250, 400)], seen=seen)
    assert (novelty.hashes, novelty.new_hashes, novelty.alert) == (150, 100, True)


def test_novelty_of_the_first_window_asks_nothing_of_hashes(large_reference):
    """Without earlier windows every word would be new."""
    novelty = measure_novelty(*judged(large_reference), hashes=[f"{number:016x}" for number in range(300)])
    assert (novelty.new_hashes, novelty.alert) == (0, False)
