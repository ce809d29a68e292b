"""When a schedule fires."""

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.pipeline_runs.remote.triggers import Trigger, parse_trigger


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("0 * * * *", "0 0 * * * *"),
        ("30 2 * * MON-FRI", "0 30 2 * * MON-FRI"),
        ("15 30 2 * * ?", "15 30 2 * * ?"),
        ("  0  */6 * * *  ", "0 0 */6 * * *"),
        ("@hourly", "@hourly"),
    ],
)
def test_cron_of_five_fields_gets_its_seconds(written: str, sent: str) -> None:
    """KFP would read the hourly 0 * * * * as once a minute."""
    assert parse_trigger(cron=written) == Trigger(cron=sent)


@pytest.mark.parametrize(
    ("cron", "every_seconds", "expected"),
    [
        ("", 0, "either a cron expression or a number of seconds"),
        (" ", 0, "either a cron expression"),
        ("0 * * * *", 60, "either a cron expression"),
        ("", 59, "every 59 s is too often.*60 s or more"),
        ("", -1, "too often"),
        ("* * * *", 0, "five fields .minute hour day month weekday."),
        ("0 0 0 * * * *", 0, "six with seconds in front"),
        ("hourly", 0, "cron 'hourly' is none"),
        ("@reboot", 0, "@daily"),
        ("0 0 * * $(x)", 0, "is none"),
    ],
)
def test_what_is_no_time_is_refused(cron: str, every_seconds: int, expected: str) -> None:
    """The message names what was given and what is allowed."""
    with pytest.raises(ConfigError, match=expected):
        parse_trigger(cron, every_seconds)


def test_interval_is_a_trigger() -> None:
    """Seconds stay seconds, and both kinds say in words when they fire."""
    assert str(parse_trigger(every_seconds=3600)) == "every 3600 s"
    assert str(parse_trigger(cron="0 * * * *")) == "cron 0 0 * * * *"
