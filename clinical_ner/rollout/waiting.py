"""Waiting for the end of a rollout that somebody else advances."""

from collections.abc import Callable, Iterator

from clinical_ner.errors import NotFound, RolloutError, StorageError
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts
from clinical_ner.rollout.status import Phase

POLL_SECONDS = 5.0
SILENT_SECONDS = 300.0
"""One that stands still is told again after so long: a log without a line does not say that anybody looks."""

Sleep = Callable[[float], None]
Tell = Callable[[Stored, str], None]
"""Told the rollout as it was seen last, and why it could not be read since; the latter is mostly empty."""


def wait_for_end(rollouts: Rollouts, first: Stored, *, seconds: float, sleep: Sleep, tell: Tell) -> Stored:
    """Look until the rollout has ended, ``seconds`` of sleep at most; returns it as it was seen last.

    ``tell`` is called with the first look, with each change of phase or step, and once in ``SILENT_SECONDS`` while nothing
    changes. Records that do not answer are asked again.

    Raises:
        RolloutError: the rollout was removed.
    """
    stored, silent = first, 0.0
    tell(stored, "")
    for pause in _pauses(seconds):
        if stored.status.ended:
            break
        sleep(pause)
        silent, before = silent + pause, stored
        stored, problem = _look(rollouts, before)
        if _place(stored) != _place(before) or silent >= SILENT_SECONDS:
            tell(stored, problem)
            silent = 0.0
    return stored


def check_not_failed(stored: Stored) -> None:
    """Raises RolloutError when it ended without success; the message says why, and what can be done."""
    version, status = stored.spec.version, stored.status
    if not status.ended or status.phase is Phase.SUCCEEDED:
        return
    again = f"`clinical-ner rollout start {version}` tries again"
    remedy = f"{version} is withdrawn for good, train another" if status.blamed else again
    raise RolloutError(f"rollout {stored.spec.name} {status.phase}: {status.reason}; {remedy}")


def _look(rollouts: Rollouts, before: Stored) -> tuple[Stored, str]:
    try:
        return rollouts.read(before.spec.name), ""
    except NotFound as error:
        raise RolloutError(f"rollout {before.spec.name} was removed while it was waited for") from error
    except StorageError as error:
        return before, str(error)


def _pauses(seconds: float) -> Iterator[float]:
    while seconds > 0:
        yield min(POLL_SECONDS, seconds)
        seconds -= POLL_SECONDS


def _place(stored: Stored) -> tuple[Phase, int]:
    return stored.status.phase, stored.status.step
