"""Windows as they travel between stages."""

from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner.drift.collected import CollectedWindow, dump_windows, load_windows, look_back_of, window_bounds
from clinical_ner.drift.unknown_words import NewWord, UnknownWords
from clinical_ner.errors import ConfigError, DataError
from tests.clinical_ner.drift.conftest import HOUR, START, profile

NOW = datetime(2030, 1, 2, 12, 34, 56, tzinfo=UTC)


WORDS = UnknownWords(
    notes=20,
    earlier_notes=300,
    different=5,
    new=2,
    recurring=4,
    recurring_new=1,
    recurring_new_by_chance=0.25,
    listed=(NewWord("0123456789abcdef", 4),),
)


def test_windows_come_back_as_they_were_written():
    """Bounds, counts and new words survive the file; the order stays."""
    windows = [
        CollectedWindow(START - HOUR, START, profile(30)),
        CollectedWindow(START, START + HOUR, profile(20, 1), WORDS),
    ]
    assert load_windows(dump_windows(windows)) == windows


def test_windows_end_with_the_last_full_hour():
    """Two windows that touch, the newest last, and none that is still going on."""
    (first, middle), (same, last) = window_bounds(6, "", now=NOW)
    assert middle == same
    assert last == datetime(2030, 1, 2, 12, tzinfo=UTC)
    assert (middle - first, last - middle) == (timedelta(hours=6), timedelta(hours=6))


def test_look_back_is_in_days():
    """Parts of a day are possible, none is no look-back, and a negative one is a wrong parameter."""
    assert look_back_of(0.5) == timedelta(hours=12)
    assert not look_back_of(0)
    with pytest.raises(ConfigError, match="novelty_days = -1"):
        look_back_of(-1)


@pytest.mark.parametrize("text", ["2030-01-01T10:00:00", "2030-01-01T10:00:00Z", "2030-01-01T12:00:00+02:00"])
def test_window_end_is_utc_unless_it_says_otherwise(text):
    """The same moment, written in three ways."""
    assert window_bounds(1, text, now=NOW)[-1][1] == datetime(2030, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "end", "reason"), [(0, "", "must be positive"), (1, "noon", "'noon' is not a time")])
def test_impossible_window_is_refused(hours, end, reason):
    """The message names the parameter."""
    with pytest.raises(ConfigError, match=reason):
        window_bounds(hours, end, now=NOW)


@pytest.mark.parametrize("data", [b"", b"{}", b'[{"start": 1}]', b"[1]"])
def test_damaged_windows_are_refused(data):
    """What another program wrote, or half a file, is a data error."""
    with pytest.raises(DataError, match="collected windows"):
        load_windows(data) or pytest.fail("an empty object is no list of windows")
