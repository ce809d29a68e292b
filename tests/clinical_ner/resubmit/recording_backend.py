"""A backend in a folder with the weakness of the real one: asked for one key twice at the same moment, it runs it twice."""

import os
import time
from pathlib import Path

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.resubmit import RunReference, RunState


class RecordingBackend:
    """``runs/<key>`` holds a run's state, ``executions`` a line for each execution; any number of processes may share it."""

    def __init__(self, folder, *, delay_seconds=0.0):
        self.folder = Path(folder)
        (self.folder / "runs").mkdir(parents=True, exist_ok=True)
        self.delay_seconds = delay_seconds
        self.parameters = {}
        self.lost_replies = 0
        self.refusal = None
        self.down = False

    def submit(self, key, parameters):
        if self.refusal:
            raise self.refusal
        if self.down:
            raise PipelineRunError("no connection")
        if not self._path(key).exists():
            time.sleep(self.delay_seconds)
            self._execute(key)
            self.parameters[key] = dict(parameters)
        if self.lost_replies:
            self.lost_replies -= 1
            raise PipelineRunError("no reply within 60 s")
        return RunReference(run_id=key, link=f"https://kfp/{key[:12]}")

    def state(self, reference):
        if self.down:
            raise PipelineRunError("no connection")
        path = self._path(reference.run_id)
        return RunState(path.read_text()) if path.exists() else RunState.MISSING

    @property
    def executions(self):
        path = self.folder / "executions"
        return path.read_text().split() if path.exists() else []

    def end(self, state, key=None):
        """Every run, or one, ends."""
        for path in [self._path(key)] if key else (self.folder / "runs").iterdir():
            path.write_text(state)

    def lose(self):
        """The server's data are gone."""
        for path in (self.folder / "runs").iterdir():
            path.unlink()

    def _execute(self, key):
        descriptor = os.open(self.folder / "executions", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(descriptor, f"{key}\n".encode())
        os.close(descriptor)
        self._path(key).write_text(RunState.RUNNING)

    def _path(self, key):
        return self.folder / "runs" / key


REFUSED = ConfigError("pipeline has no parameter first_trial")
