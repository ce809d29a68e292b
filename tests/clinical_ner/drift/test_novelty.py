import pytest

from clinical_ner.drift.decision import decide
from clinical_ner.drift.novelty import measure_novelty
from clinical_ner.drift.profile import profile_table
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.unknown_words import UnknownWords
from clinical_ner.drift.windows import judge_window
from tests.clinical_ner.drift.conftest import HOUR, LABELS, MODEL, START, log_table, profile


def judged(reference, unknown_factor=1):
    table = log_table(400)
    position = table.column_names.index("unknown_count")
    values = [min(count * unknown_factor, 100) for count in table["unknown_count"].to_pylist()]
    window = profile_table(table.set_column(position, table.schema.field(position), [values]), MODEL, LABELS)
    return window, judge_window(window, reference, start=START, end=START + HOUR, rules=DriftRules())


def words_of(recurring_new=1, by_chance=1.5, **changes):
    """400 notes against 2,000, as many new words as ever."""
    usual = {"notes": 400, "earlier_notes": 2_000, "different": 900, "new": 500, "recurring": 300}
    return UnknownWords(**(usual | changes), recurring_new=recurring_new, recurring_new_by_chance=by_chance)


def test_novelty_of_an_ordinary_window_is_no_alert(large_reference):
    """As many unknown words as in the reference, and as many new ones as chance gives, are nothing new."""
    novelty = measure_novelty(*judged(large_reference), words_of())
    assert (novelty.alert, novelty.reasons, novelty.unasked) == (False, (), "")
    assert novelty.unknown_rate == pytest.approx(novelty.reference_rate, abs=0.01)
    assert novelty.new_share == pytest.approx(5 / 9)
    assert novelty.recurring_new_share == pytest.approx(1 / 300)


def test_novelty_of_many_unknown_words_is_an_alert(large_reference):
    """Twice the unknown words of the reference, beyond noise, are worth a look, without any hash."""
    novelty = measure_novelty(*judged(large_reference, unknown_factor=2))
    assert novelty.alert
    assert novelty.unknown_rate == pytest.approx(0.08, abs=0.01)
    assert novelty.reasons == ("8.0% of the words are unknown to the model, 3.9% in its reference.",)


def test_novelty_of_new_words_at_the_usual_rate_is_an_alert(large_reference):
    """The same rate of unknown words, but other words than ever before, shows in their hashes alone."""
    novelty = measure_novelty(*judged(large_reference), words_of(60))
    assert novelty.alert
    assert novelty.reasons == (
        "60 of 300 unknown words that recur are in none of the 2,000 notes before; chance explains 1.5.",
    )


@pytest.mark.parametrize(
    ("recurring_new", "by_chance", "recurring", "alert"),
    [
        (9, 0.0, 20, False),  # below the ten that no alert is made of
        (10, 0.0, 20, True),
        (10, 0.0, 201, False),  # less than 5 % of those that recur
        (30, 20.0, 200, False),  # chance gives as many once in fifty windows
        (50, 20.0, 200, True),
        (0, 0.0, 0, False),
    ],
)
def test_novelty_takes_more_new_words_than_chance_gives(large_reference, recurring_new, by_chance, recurring, alert):
    """At least ten, at least the share of the rules, and more than chance explains."""
    words = words_of(recurring_new, by_chance, recurring=recurring)
    assert measure_novelty(*judged(large_reference), words).alert is alert


def test_novelty_follows_the_rules_of_the_run(large_reference):
    """A run may ask for larger ratios and shares."""
    rules = DriftRules(novelty_rate_ratio=2.5, novelty_new_share=0.25)
    window = judged(large_reference, unknown_factor=2)
    assert measure_novelty(*window, words_of(60)).reasons
    assert not measure_novelty(*window, words_of(60), rules=rules).reasons


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (None, "novelty_days = 0"),
        (words_of(60, earlier_notes=399), "399 notes in the days before"),
        (words_of(0, different=0, new=0, recurring=0), "no hash of an unknown word"),
    ],
)
def test_novelty_that_cannot_be_asked_says_why(large_reference, words, why):
    """Without a key, or enough notes before, every word would be new: that is no alert."""
    novelty = measure_novelty(*judged(large_reference), words)
    assert why in novelty.unasked
    assert (novelty.alert, novelty.new_share, novelty.recurring_new_share) == (False, 0.0, 0.0)


def test_novelty_of_all_words_asks_about_the_key(large_reference):
    """When not one word was seen before, the key may be another: the reason says so."""
    novelty = measure_novelty(*judged(large_reference), words_of(300, new=900))
    assert "was the key changed?" in novelty.reasons[0]


def test_novelty_of_a_window_that_was_not_judged_has_no_reference():
    """A window of too few notes has a rate, nothing to compare it with, and no alert."""
    window = profile(10)
    small = judge_window(window, None, start=START, end=START + HOUR, rules=DriftRules())
    novelty = measure_novelty(window, small)
    assert novelty.reference_rate is None
    assert not novelty.alert


def test_novelty_never_changes_the_action(large_reference):
    """An alert is a reason that stands last; what is done is what was done without."""
    window, drift = judged(large_reference)
    novelty = measure_novelty(window, drift, words_of(60))
    plain, alerted = decide(drift), decide(drift, novelty=novelty)
    assert novelty.alert
    assert (alerted.action, alerted.deviation) == (plain.action, plain.deviation) == ("none", 0)
    assert alerted.reasons == (*plain.reasons, *novelty.reasons)
    assert alerted.novelty == novelty
