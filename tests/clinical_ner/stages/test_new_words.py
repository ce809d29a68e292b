"""New words from the log to the decision: collect, compare and decide on the same log."""

import pytest
from structlog.testing import capture_logs

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.collected import load_windows
from clinical_ner.drift.decision import Decision
from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.layout import folder_of
from clinical_ner.inference_log.record import hash_word
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tokenization import Tokenizer
from tests.clinical_ner.inference_log.answered import KEY
from tests.clinical_ner.stages.monitored import (
    DAY,
    END,
    SHIFT,
    SHIFTED_END,
    answer,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
)
from tests.clinical_ner.stages.stage_runs import NAME

BOTH = {"novelty_days": 10}
"""From the shifted days back to the ordinary ones."""


def words_at(registry_uri, folder, end=SHIFTED_END, **changed):
    """What is known of the newest window's unknown words."""
    run_collect(registry_uri, folder, end, **changed)
    before, newest = load_windows((folder / "windows").read_bytes())
    assert before.words is None
    return newest.words


def test_new_words_are_found_and_alert(monitored, tmp_path):
    """Words of shifted notes that no ordinary note had: counted, logged as a warning, in numbers, reasons and page."""
    words = words_at(monitored, tmp_path, **BOTH)
    with capture_logs() as logged:
        numbers = run_drift_report(monitored, tmp_path)
    run_decide(monitored, tmp_path)
    decision = Decision.model_validate_json((tmp_path / "decision").read_bytes())

    assert (words.notes, words.earlier_notes) == (120, 240)
    assert words.recurring_new > 10 * words.recurring_new_by_chance
    assert decision.novelty.words == words
    assert decision.novelty.alert
    assert decision.reasons[-1] == decision.novelty.reasons[-1]
    assert "unknown words that recur" in decision.reasons[-1]
    assert (numbers["novelty_alert"], numbers["new_word_share"]) == (1, words.new / words.different)
    (warning,) = [entry for entry in logged if entry["log_level"] == "warning"]
    assert (warning["event"], warning["reasons"]) == ("new_words", decision.novelty.reasons)
    assert decision.reasons[-1] in (tmp_path / "drift_summary").read_text()


def test_new_words_travel_as_hashes(monitored, tmp_path):
    """Listed are keyed hashes of words in the newest window's notes, with how many notes hold each."""
    words = words_at(monitored, tmp_path, **BOTH)
    counts = {}
    for note in synthesize(120, seed=11, shift=SHIFT):
        for word in {token.text.lower() for token in Tokenizer().tokens(note.text)}:
            counts[hash_word(word, KEY)] = counts.get(hash_word(word, KEY), 0) + 1
    assert len(words.listed) == min(words.recurring_new, 200) > 10
    assert {hashed: counts[hashed] for hashed, _ in words.listed} == dict(words.listed)
    notes = [notes for _, notes in words.listed]
    assert notes == sorted(notes, reverse=True)


def test_new_words_are_the_same_when_asked_again(monitored, tmp_path):
    """The stage keeps nothing: a repeat gives the same bytes."""
    words_at(monitored, tmp_path / "one", **BOTH)
    words_at(monitored, tmp_path / "two", **BOTH)
    assert (tmp_path / "one" / "windows").read_bytes() == (tmp_path / "two" / "windows").read_bytes()


def test_new_words_are_new_to_both_windows(monitored, tmp_path):
    """The look-back ends where the older window begins: what the decision rests on does not count as seen."""
    assert words_at(monitored, tmp_path, END, novelty_days=30).earlier_notes == 0


def test_new_words_are_looked_for_in_so_many_days(monitored, tmp_path):
    """Notes before the look-back are not read, and none are when nothing is to be compared."""
    assert words_at(monitored, tmp_path, novelty_days=8).earlier_notes == 0
    assert words_at(monitored, tmp_path, novelty_days=9).earlier_notes == 120
    assert words_at(monitored, tmp_path, novelty_days=0) is None
    with pytest.raises(ConfigError, match="novelty_days = -1: must not be negative"):
        run_collect(monitored, tmp_path, novelty_days=-1)


def test_words_of_another_version_are_not_looked_at(finished, tiny_model, tmp_path):
    """A version that knows other words says nothing of what is new to this one."""
    registry_uri = make_live(finished, tmp_path, reference_notes=0)
    answer(registry_uri, synthesize(30, seed=1), END - 3 * DAY)
    registry, by = Registry(open_storage(registry_uri)), {"actor": "ada", "reason": "a test"}
    version = registry.register(NAME, tiny_model, **by).version
    registry.approve(NAME, version, **by)
    registry.promote(NAME, version, **by)
    answer(registry_uri, synthesize(20, seed=2), END)
    words = words_at(registry_uri, tmp_path, END)
    assert (words.notes, words.earlier_notes) == (20, 0)


def test_bad_file_of_an_earlier_day_is_passed_over(finished, tmp_path):
    """What cannot be read there stays where it is: it is not of these windows."""
    registry_uri = make_live(finished, tmp_path, reference_notes=0)
    for day, seed in ((END - 3 * DAY, 1), (END, 2)):
        answer(registry_uri, synthesize(20, seed=seed), day)
    hour = END - 4 * DAY
    key = f"{folder_of(NAME, 'v1', hour.date())}hour={hour:%H}/broken.parquet"
    open_storage(registry_uri).write(key, b"not parquet")
    words = words_at(registry_uri, tmp_path, END)
    assert (words.notes, words.earlier_notes) == (20, 20)
    assert open_storage(registry_uri).read(key) == b"not parquet"
