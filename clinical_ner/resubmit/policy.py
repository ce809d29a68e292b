"""When a cause is submitted: limits, and the reasons for not now in words. Pure."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from clinical_ner.resubmit.cause import ROLL_BACK
from clinical_ner.resubmit.records import IN_FLIGHT, Record, State

_TIME = "%Y-%m-%d %H:%M UTC"


class ResubmitRules(BaseModel):
    """Limits of resubmission; ``propose`` leaves every submission to a person, ``auto`` to nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["propose", "auto"] = "propose"
    cool_down_hours: float = Field(default=24.0, ge=0)
    """From when a run was seen to have ended, well or not, to the next submission."""
    min_new_documents: int = Field(default=50, ge=1)
    """New or changed training documents below which training again is not worth it."""
    max_attempts: int = Field(default=3, ge=1)
    """Runs of one cause, counting failed ones."""
    max_run_hours: float = Field(default=24.0, gt=0)
    """A run that has not ended by then counts as failed: one without its image or secret stays running for ever."""
    retrain_trials: int = Field(default=8, ge=1)
    experiment_trials: int = Field(default=40, ge=1)
    parameters: dict[str, JsonValue] = {}
    """Further parameters of the training pipeline (floors of the gate, study_storage, promote, ...)."""


def why_in_flight(record: Record | None) -> str:
    """Why nothing is submitted beside the last run; empty when that has ended."""
    if record is None or record.state not in IN_FLIGHT:
        return ""
    where = record.run.link if record.run else "not confirmed yet"
    return f"a run is in flight: {record.cause.action} {record.cause.id[:12]}, since {record.submitted_at:{_TIME}} ({where})"


def why_cooling_down(record: Record | None, now: datetime, rules: ResubmitRules) -> str:
    """Why nothing is submitted so soon after the last run."""
    if record is None:
        return ""
    until = record.time + timedelta(hours=rules.cool_down_hours)
    if now >= until:
        return ""
    ended = "failed" if record.state is State.FAILED else "ended"
    hours = f"cool_down_hours = {rules.cool_down_hours:g}"
    return f"cooling down until {until:{_TIME}}: the last run {ended} at {record.time:{_TIME}} ({hours})"


def why_too_little(action: str, changed: int, rules: ResubmitRules) -> str:
    """Why the new data are not worth a training; after a roll back other parameters are the point, not other data."""
    if action == ROLL_BACK or changed >= rules.min_new_documents:
        return ""
    return (
        f"minimum sample: {changed:,} new or changed training documents, below min_new_documents = "
        f"{rules.min_new_documents:,}; annotate more"
    )


def why_done(record: Record | None, rules: ResubmitRules) -> str:
    """Why this very cause is not submitted again."""
    if record is None:
        return ""
    if record.state is State.SUCCEEDED:
        result = f"version {record.produced}" if record.produced else "no version: the quality gate rejected the model"
        return f"the same data were trained for the same cause already ({result}); new annotated data make a new cause"
    if record.state is State.FAILED and record.attempt >= rules.max_attempts:
        return f"{record.attempt} attempts failed (max_attempts = {rules.max_attempts}): mend the cause, or approve it by hand"
    return ""


def is_overdue(record: Record, now: datetime, rules: ResubmitRules) -> bool:
    """Whether the present attempt has had all the time that a run may take."""
    return now - record.submitted_at > timedelta(hours=rules.max_run_hours)
