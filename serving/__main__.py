"""``python -m serving --model-dir DIR``; ``--help`` lists every option."""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Serve until stopped; returns the exit status that :func:`serving.command.serve` gives.

    SIGTERM is heard from here on: a container's first process that has no handler for it yet does not get it at all, and
    would start for seconds only to be killed when its grace period is over.
    """
    signal.signal(signal.SIGTERM, _leave)
    from serving.command import serve

    return serve()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End at once: nothing was promised or opened yet. An exception could be lost in a library that is being imported."""
    os.write(2, b'{"signal":"SIGTERM","event":"stopped_before_listening","level":"info"}\n')
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
