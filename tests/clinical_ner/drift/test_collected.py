"""Windows as they travel between stages."""

from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner.drift.collected import CollectedWindow, dump_windows, load_windows, window_bounds
from clinical_ner.errors import ConfigError, DataError
from tests.clinical_ner.drift.conftest import HOUR, START, profile

NOW = datetime(2030, 1, 2, 12, 34, 56, tzinfo=UTC)


def test_windows_come_back_as_they_were_written():
    """Bounds and counts survive the file; the order stays."""
    windows = [CollectedWindow(START - HOUR, START, profile(30)), CollectedWindow(START, START + HOUR, profile(20, 1))]
    assert load_windows(dump_windows(windows)) == windows


def test_windows_end_with_the_last_full_hour():
    """Two windows that touch, the newest last, and none that is still going on."""
    (first, middle), (same, last) = window_bounds(6, "", now=NOW)
    assert middle == same
    assert last == datetime(2030, 1, 2, 12, tzinfo=UTC)
    assert (middle - first, last - middle) == (timedelta(hours=6), timedelta(hours=6))


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
