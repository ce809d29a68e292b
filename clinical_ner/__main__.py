"""``clinical-ner``, or ``python -m clinical_ner``."""

import os
import signal
from types import FrameType

_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def main() -> None:
    """Entry point of the installed command.

    SIGTERM is heard from here on: a container's first process that has no handler for it does not get it at all, and would
    start for seconds only to be killed when its grace period is over. A command that has something to finish replaces it.
    """
    signal.signal(signal.SIGTERM, _leave)
    from clinical_ner.cli import main as run

    run()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End at once; an exception could be lost in a library that is being imported."""
    os._exit(_ENDED_BY_SIGTERM)


if __name__ == "__main__":
    main()
