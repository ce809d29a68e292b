"""Training runs on this machine: a process of its own for each, which outlives the monitor that started it.

::

    <folder>/<key>/request.json    the package and the parameters; written once
                   result.json     how it ended; without it and without a holder of the lock it was cut short
                   run.lock        held by the running process: the kernel gives it back however that ends
                   artifacts/ run.log progress.log
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.resubmit.backends import RunReference, RunState

REQUEST, RESULT, LOCK, PROGRESS = "request.json", "result.json", "run.lock", "progress.log"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_OF_A_STEP = {"TMPDIR", "_KFP_RUNTIME"}
"""Variables of a pipeline's step, which this process may be. Its temporary folder is removed before the run ends, and KFP runs
no pipeline in a process that takes itself for a step."""


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """:class:`~clinical_ner.resubmit.backends.Backend` by KFP's local runner, for any number of processes of one machine.

    A run that was finished is not run again; one that was cut short (a kill, a reboot) is run again when it is submitted again.
    """

    package: Path
    folder: Path

    def submit(self, key: str, parameters: Mapping[str, object]) -> RunReference:
        run = self.folder.absolute() / key
        reference = RunReference(run_id=key, link=run.as_uri())
        if self.state(reference) in {RunState.MISSING, RunState.FAILED} and not (run / RESULT).exists():
            _write_request(run, self.package, parameters)
            _start(run)
        return reference

    def state(self, reference: RunReference) -> RunState:
        if reference.link.startswith(("http://", "https://")):
            # Not missing: a monitor without kfp_host looks for it in the wrong place.
            raise PipelineRunError(f"it was submitted to a KFP endpoint ({reference.link}), and kfp_host is empty: give that")
        run = self.folder.absolute() / reference.run_id
        if is_running(run):
            return RunState.RUNNING
        if (run / RESULT).exists():
            return RunState(orjson.loads((run / RESULT).read_bytes())["state"])
        return RunState.FAILED if (run / REQUEST).exists() else RunState.MISSING

    def wait(self, reference: RunReference, show: Callable[[str], None] = lambda _: None) -> RunState:
        """Wait for the run's end; ``show`` gets each line of its progress."""
        lines, path = 0, self.folder.absolute() / reference.run_id / PROGRESS
        while True:
            state = self.state(reference)
            written = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            for line in written[lines:]:
                show(line)
            lines = len(written)
            if state is not RunState.RUNNING:
                return state
            time.sleep(_POLL_SECONDS)


def read_parameters(run: Path) -> dict[str, object]:
    """The pipeline's parameters that a submitted run was asked for."""
    parameters: dict[str, object] = orjson.loads((run / REQUEST).read_bytes())["parameters"]
    return parameters


def is_running(run: Path) -> bool:
    """Whether a process holds the run's lock."""
    try:
        with (run / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _write_request(run: Path, package: Path, parameters: Mapping[str, object]) -> None:
    if not package.is_file():
        raise ConfigError(f"{package}: no compiled pipeline there; write one by `python -m pipelines compile`")
    try:
        run.mkdir(parents=True, exist_ok=True)
        unfinished = run / f"{REQUEST}.{os.getpid()}"
        unfinished.write_bytes(orjson.dumps({"package": str(package.absolute()), "parameters": dict(parameters)}))
        unfinished.replace(run / REQUEST)
    except OSError as error:
        raise PipelineRunError(f"{run}: {error.strerror}") from error


def _start(run: Path) -> None:
    """Start the process and return once it holds the lock or has ended: a second one finds the lock and goes."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_STEP}
    with (run / PROGRESS).open("ab") as progress:
        child = subprocess.Popen(
            [sys.executable, "-m", "clinical_ner.resubmit.local_run", str(run)],
            stdin=subprocess.DEVNULL,
            stdout=progress,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not is_running(run) and child.poll() is None:
        if time.monotonic() > deadline:
            raise PipelineRunError(f"{run}: the run did not start within {_START_SECONDS:g} s; see {PROGRESS} there")
        time.sleep(_POLL_SECONDS)
