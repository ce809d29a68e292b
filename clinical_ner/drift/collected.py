"""Windows of the inference log as they travel from the stage that reads the log to those that judge: profiles, no records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from clinical_ner.drift.profile import Profile, parse_profile
from clinical_ner.drift.unknown_words import UnknownWords
from clinical_ner.errors import ConfigError, DataError

WINDOWS = 2
"""A decision rests on two consecutive windows."""


@dataclass(frozen=True, slots=True)
class CollectedWindow:
    """What one model answered from ``start`` on and before ``end``, both UTC."""

    start: datetime
    end: datetime
    profile: Profile
    words: UnknownWords | None = None
    """Unknown words against those of earlier notes; of the newest window, when they were asked for."""


def window_bounds(window_hours: float, window_end: str, *, now: datetime) -> list[tuple[datetime, datetime]]:
    """Start and end of the last :data:`WINDOWS` consecutive windows, the newest last.

    The newest ends at ``window_end`` (ISO 8601), or with the last full hour before ``now`` when that is empty.

    Raises:
        ConfigError: the hours are not positive, or ``window_end`` is no time.
    """
    if window_hours <= 0:
        raise ConfigError(f"window_hours = {window_hours:g}: must be positive")
    end = _parse_time(window_end) if window_end else now.replace(minute=0, second=0, microsecond=0)
    length = timedelta(hours=window_hours)
    return [(end - (number + 1) * length, end - number * length) for number in reversed(range(WINDOWS))]


def look_back_of(novelty_days: float) -> timedelta:
    """How long before both windows a word counts as seen; 0 when nothing is to be compared.

    Raises:
        ConfigError: the days are negative.
    """
    if novelty_days < 0:
        raise ConfigError(f"novelty_days = {novelty_days:g}: must not be negative")
    return timedelta(days=novelty_days)


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"window_end: {text!r} is not a time such as 2026-01-31T12:00:00Z") from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def dump_windows(windows: Sequence[CollectedWindow]) -> bytes:
    """Windows as JSON; they hold counts, keyed hashes of some words and no text."""
    records = [_as_record(window) for window in windows]
    return orjson.dumps(records, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _as_record(window: CollectedWindow) -> dict[str, Any]:
    bounds = {"start": window.start.isoformat(), "end": window.end.isoformat()}
    return {**bounds, "profile": window.profile.as_record(), "words": window.words.model_dump() if window.words else None}


def load_windows(data: bytes) -> list[CollectedWindow]:
    """Windows of :func:`dump_windows`.

    Raises:
        DataError: ``data`` is something else.
    """
    try:
        first, second = orjson.loads(data)
        return [_parse_window(first), _parse_window(second)]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("collected windows: damaged, not what the collect-window stage writes") from error


def _parse_window(record: dict[str, Any]) -> CollectedWindow:
    bounds = [datetime.fromisoformat(record[name]) for name in ("start", "end")]
    words = UnknownWords.model_validate(record["words"]) if record["words"] else None
    return CollectedWindow(bounds[0], bounds[1], parse_profile(record["profile"]), words)
