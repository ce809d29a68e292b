"""What came of one decision."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from clinical_ner.resubmit.backends import RunReference

Status = Literal["nothing", "refused", "needs-annotation", "proposed", "submitting", "submitted"]


class Outcome(BaseModel):
    """What was done, and why, in words. ``submitting`` is a submission in doubt, which the next call goes on with."""

    model_config = ConfigDict(frozen=True)

    status: Status
    reason: str
    cause_id: str = ""
    run: RunReference | None = None
    alerts: tuple[str, ...] = ()
    """What a person should know; no text of notes."""

    def alerting(self, *alerts: str) -> "Outcome":
        """The same with ``alerts`` before its own."""
        return self.model_copy(update={"alerts": (*alerts, *self.alerts)})
