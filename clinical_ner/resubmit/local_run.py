"""``python -m clinical_ner.resubmit.local_run FOLDER``: the process of one local training run."""

import fcntl
import sys
import time
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console

from clinical_ner.errors import ClinicalNerError
from clinical_ner.resubmit.backends import RunState
from clinical_ner.resubmit.local_backend import LOCK, REQUEST, RESULT

_TRIES, _PAUSE_SECONDS = 200, 0.01


def run(folder: Path) -> None:
    """Run what ``request.json`` asks for, unless another process does or did, and write ``result.json``."""
    with (folder / LOCK).open("ab") as lock:
        if not _acquire(lock) or (folder / RESULT).exists():
            return
        result = _execute(folder)
        unfinished = folder / f"{RESULT}.unfinished"
        unfinished.write_bytes(orjson.dumps(result))
        unfinished.replace(folder / RESULT)


def _acquire(lock: BinaryIO) -> bool:
    """Take the lock; whoever only looks whether a run is going on holds it for a moment, another run for long."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False


def _execute(folder: Path) -> dict[str, str]:
    from clinical_ner.pipeline_runs.local import run_locally  # KFP takes seconds to import: the lock is held before
    from clinical_ner.pipeline_runs.progress import ProgressDisplay

    request = orjson.loads((folder / REQUEST).read_bytes())
    try:
        with ProgressDisplay(Console(file=sys.stdout)) as progress:
            run_locally(Path(request["package"]), request["parameters"], folder, progress)
    except ClinicalNerError as error:
        return {"state": RunState.FAILED, "reason": str(error)}
    return {"state": RunState.SUCCEEDED, "reason": ""}


if __name__ == "__main__":
    run(Path(sys.argv[1]))
