"""What resubmission asks of whatever runs the training pipeline."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class RunState(StrEnum):
    """What became of a run; a failed one may run again when the server or a person retries it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MISSING = "missing"
    """The backend has no such run, or has it no longer."""


class RunReference(BaseModel):
    """Where a run is: its id at the backend, and a link or path that a person can open."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    link: str


class Backend(Protocol):
    """Runs the training pipeline, once for a key."""

    def submit(self, key: str, parameters: Mapping[str, object]) -> RunReference:
        """Start the run of ``key`` or find it; of any number of calls with one key one run comes. Does not wait for its end.

        Raises:
            ConfigError: the parameters cannot be used; nothing was started, and asking again is no use.
            PipelineRunError: refused or not answered; the run may exist. Calling again with the same key is safe.
        """
        ...

    def state(self, reference: RunReference) -> RunState:
        """What became of a run.

        Raises:
            PipelineRunError: the backend did not answer.
        """
        ...
