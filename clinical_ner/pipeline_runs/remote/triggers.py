"""When a schedule fires: a cron expression, or a number of seconds."""

import re
from dataclasses import dataclass

from clinical_ner.errors import ConfigError

MIN_SECONDS = 60
"""KFP takes a second; a run has several steps, and each step takes its pod some 20 seconds."""

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_FIELD = re.compile(r"[0-9A-Za-z*/,?-]+")
_FIELDS = 6  # seconds first


@dataclass(frozen=True, slots=True)
class Trigger:
    """Either ``cron``, in KFP's six fields, or ``every_seconds``; the other one is empty."""

    cron: str = ""
    every_seconds: int = 0

    def __str__(self) -> str:
        return f"cron {self.cron}" if self.cron else f"every {self.every_seconds} s"


def parse_trigger(cron: str = "", every_seconds: int = 0) -> Trigger:
    """The trigger that a person wrote.

    KFP's cron has a field for seconds before the usual five, and reads five fields as if the last were missing: ``0 * * * *``
    would fire each minute, not each hour. So five fields get a zero in front.

    Raises:
        ConfigError: both or none are given, the interval is too short, or the expression has another form.
    """
    if bool(cron.strip()) == bool(every_seconds):
        raise ConfigError("a schedule needs either a cron expression or a number of seconds (--cron or --every-seconds)")
    if every_seconds:
        if every_seconds < MIN_SECONDS:
            raise ConfigError(f"every {every_seconds} s is too often: a run takes minutes; give {MIN_SECONDS} s or more")
        return Trigger(every_seconds=every_seconds)
    fields = cron.split()
    if fields[0] in _DESCRIPTORS and len(fields) == 1:
        return Trigger(cron=fields[0])
    if len(fields) not in {_FIELDS - 1, _FIELDS} or not all(map(_FIELD.fullmatch, fields)):
        raise ConfigError(
            f"cron {cron!r} is none: five fields (minute hour day month weekday), six with seconds in front, or one of "
            f"{', '.join(_DESCRIPTORS)}"
        )
    return Trigger(cron=" ".join(["0", *fields][-_FIELDS:]))
