"""The clocks of this machine, as a rollout's holds and limits need them."""

import time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path

from clinical_ner.clock import utc_now
from clinical_ner.rollout.status import Instant

Timer = Callable[[], Instant]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def system_instant() -> Instant:
    """Now. The monotonic clock goes on over the end of a process, and begins anew with the machine."""
    return Instant(time=utc_now(), ticks=time.monotonic(), counter=_boot())


@cache
def _boot() -> str:
    """The machine's boot; where it cannot be told, this process, whose time then counts for nothing in another."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return uuid.uuid4().hex
