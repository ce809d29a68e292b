"""The clock, as it is passed to whatever writes down a time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present time, aware and in UTC."""


def utc_now() -> datetime:
    """The system's time in UTC."""
    return datetime.now(UTC)
