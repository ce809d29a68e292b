"""``clinical-ner feedback new-words``."""

from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli import app
from clinical_ner.drift.decision import decide
from clinical_ner.drift.novelty import measure_novelty
from clinical_ner.drift.profile import Model, empty_profile
from clinical_ner.drift.unknown_words import NewWord, UnknownWords
from clinical_ner.drift.windows import empty_window
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.inference_log.record import hash_word
from clinical_ner.review.store import write_sample
from clinical_ner.storage import open_storage
from tests.clinical_ner.review.samples import NOON, make_sample

KEY = "key of the servers"
MODEL = Model("clinical-ner", "v3", "sha256:" + "0" * 64)
HOUR = timedelta(hours=1)
LISTED = {"salbutamol": 7, "zolgensma": 5, "asthma": 4}
"""Notes of the window that hold each new word; one is in no sample."""


def decision_of(words, previous=True):
    """The decision on the hour at whose beginning the samples are, and on the one before."""
    before, window = (empty_window(MODEL, start=NOON + number * HOUR, end=NOON + (number + 1) * HOUR) for number in (-1, 0))
    novelty = measure_novelty(empty_profile(MODEL, ()), window, words)
    return decide(window, before if previous else None, novelty=novelty)


def words_of(**changes):
    listed = tuple(NewWord(hash_word(word, KEY.encode()), notes) for word, notes in LISTED.items())
    counts = {"notes": 20, "earlier_notes": 100, "different": 30, "new": 9, "recurring": 12, "recurring_new": 3}
    return UnknownWords(**(counts | {"recurring_new_by_chance": 0.5, "listed": listed} | changes))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command on a decision and the samples in ``tmp_path``; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_KEY", KEY)

    def invoke(decision, *arguments):
        path = tmp_path / "decision.json"
        path.write_text(decision.model_dump_json() if decision else "{}")
        command = ["feedback", "new-words", "--decision", str(path), "--samples-uri", str(tmp_path / "log"), *arguments]
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


@pytest.fixture
def samples(tmp_path):
    """A sample in each window, one that holds no new word, and one after both windows."""
    storage = open_storage(str(tmp_path / "log"))
    for number, change in enumerate(
        (
            {"time": NOON},
            {"time": NOON - HOUR, "text": "SALBUTAMOL as needed, and nothing else that anybody could call new."},
            {"time": NOON, "text": "Nothing that is new in this one, though it is long enough for it."},
            {"time": NOON + HOUR},
        )
    ):
        write_sample(storage, make_sample(number, **change))


def test_new_words_are_those_of_samples(run, samples):
    """A word is listed with its notes in the window and its samples in both; what no sample holds stays a hash."""
    rows = orjson.loads(run(decision_of(words_of()), "--json"))
    assert rows == [{"word": "salbutamol", "notes": 7, "samples": 2}, {"word": "asthma", "notes": 4, "samples": 1}]
    printed = run(decision_of(words_of()))
    assert "salbutamol" in printed
    assert "2 of 3 new words are in 3 review samples of both windows" in printed
    assert "zolgensma" not in printed


def test_new_words_without_a_window_before_are_those_of_one(run, samples):
    """A decision on one window looks at its samples alone."""
    rows = orjson.loads(run(decision_of(words_of(), previous=False), "--json"))
    assert [row["samples"] for row in rows] == [1, 1]


def test_new_words_need_the_servers_key(run, samples, tmp_path, monkeypatch):
    """Without a key, or with too short a one, no word can be told; with another, none is found; a file may hold it."""
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_KEY", "another key, long enough")
    assert orjson.loads(run(decision_of(words_of()), "--json")) == []
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_KEY", "short")
    with pytest.raises(ConfigError, match="5 bytes; at least 16"):
        run(decision_of(words_of()))
    monkeypatch.delenv("CLINICAL_NER_INFERENCE_LOG_KEY")
    with pytest.raises(ConfigError, match="set CLINICAL_NER_INFERENCE_LOG_KEY or CLINICAL_NER_INFERENCE_LOG_KEY_FILE"):
        run(decision_of(words_of()))
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_KEY_FILE", str(tmp_path / "key"))
    assert len(orjson.loads(run(decision_of(words_of()), "--json"))) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [(None, "novelty_days = 0"), (words_of(earlier_notes=5), "too few to tell"), (words_of(different=0), "no hash")],
)
def test_new_words_that_were_not_asked_for_are_an_error(run, samples, words, reason):
    """The decision's own reason is the message."""
    with pytest.raises(DataError, match=reason):
        run(decision_of(words))


def test_new_words_of_what_is_no_decision_are_an_error(run, samples, tmp_path):
    """A missing and a damaged file are named."""
    with pytest.raises(DataError, match="not a decision"):
        run(None)
    missing = ["feedback", "new-words", "--decision", str(tmp_path / "none"), "--samples-uri", str(tmp_path)]
    with pytest.raises(ConfigError, match="none: No such file"):
        CliRunner().invoke(app, missing, catch_exceptions=False)


def test_help_says_that_words_are_protected():
    """Whoever prints them has to know."""
    result = CliRunner().invoke(app, ["feedback", "new-words", "--help"], env={"COLUMNS": "200"})
    assert "PROTECTED HEALTH INFORMATION" in result.output
