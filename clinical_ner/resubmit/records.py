"""The record of one cause: its states, and what is needed to submit it without asking anybody again."""

from datetime import datetime
from enum import StrEnum

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from clinical_ner.errors import ConfigError
from clinical_ner.resubmit.backends import RunReference
from clinical_ner.resubmit.cause import Cause


class State(StrEnum):
    """How far a cause has come."""

    PROPOSED = "proposed"
    """Waits for a person."""
    SUBMITTING = "submitting"
    """To be submitted; whoever finds it so goes on with it."""
    SUBMITTED = "submitted"
    """The backend has the run."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The champion goes on serving; another attempt is possible."""


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.SUBMITTING}),
    State.SUBMITTING: frozenset({State.SUBMITTED, State.FAILED}),
    State.SUBMITTED: frozenset({State.SUCCEEDED, State.FAILED}),
    # A run that failed can be retried at the backend, and then runs or succeeds after all.
    State.FAILED: frozenset({State.SUBMITTING, State.SUBMITTED, State.SUCCEEDED}),
    State.SUCCEEDED: frozenset(),
}
"""The states that may come next."""

IN_FLIGHT = frozenset({State.SUBMITTING, State.SUBMITTED})


class Step(BaseModel):
    """A change of state: who, when, why."""

    model_config = ConfigDict(frozen=True)

    state: State
    time: AwareDatetime
    actor: str
    reason: str


class Record(BaseModel):
    """A cause with its parameters and all that happened to it. ``fence`` is the lock's token under which it was written."""

    model_config = ConfigDict(frozen=True)

    cause: Cause
    champion_version: str
    parameters: dict[str, JsonValue]
    evidence: tuple[str, ...] = ()
    """What led to it, such as the windows; words and numbers, no text of notes."""
    steps: tuple[Step, ...]
    attempt: int = 1
    run: RunReference | None = None
    produced: str = ""
    """The version that the run registered; empty before, or when the quality gate rejected the model."""
    fence: int = 0

    @property
    def state(self) -> State:
        return self.steps[-1].state

    @property
    def time(self) -> datetime:
        """When the state changed last."""
        return self.steps[-1].time

    @property
    def submitted_at(self) -> datetime:
        """When the present attempt began; the record's first time while there is none."""
        return next((step.time for step in reversed(self.steps) if step.state is State.SUBMITTING), self.steps[0].time)

    @property
    def key(self) -> str:
        """What makes the present attempt one run at the backend."""
        return f"{self.cause.id}-{self.attempt}"

    def moved(self, step: Step, **changes: object) -> "Record":
        """The record after ``step``, with further fields changed.

        Raises:
            ConfigError: that state cannot follow.
        """
        if step.state not in TRANSITIONS[self.state]:
            raise ConfigError(f"resubmission {self.cause.id[:12]} cannot go from {self.state} to {step.state}")
        return self.model_copy(update={**changes, "steps": (*self.steps, step)})

    def to_json(self) -> bytes:
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=options)


class LastRun(BaseModel):
    """Which record was submitted last; written before anything is submitted."""

    model_config = ConfigDict(frozen=True)

    cause: str
    attempt: int
    time: AwareDatetime
    state: State
