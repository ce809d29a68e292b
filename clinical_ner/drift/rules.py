"""What the loop acts on: bands, samples and intervals. All may be set; the defaults are the design's."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clinical_ner.drift.deviation import ALPHA
from clinical_ner.errors import ConfigError

Action = Literal["none", "watch", "retrain", "experiment", "roll-back"]
SEVERITY: tuple[Action, ...] = ("none", "watch", "retrain", "experiment", "roll-back")
"""The later wins when several things ask for something."""


class DriftRules(BaseModel):
    """Limits of the decision. Deviations in percent, 0 to 100."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watch_percent: float = Field(default=2.0, ge=0, le=100)
    retrain_percent: float = Field(default=5.0, ge=0, le=100)
    experiment_percent: float = Field(default=10.0, ge=0, le=100)
    alpha: float = Field(default=ALPHA, gt=0, lt=1)
    """Probability that an undrifted window has a column beyond noise."""
    min_window_notes: int = Field(default=50, ge=1)
    """Notes of a window below which it is not judged."""
    min_reference_notes: int = Field(default=100, ge=1)
    max_gap_hours: float = Field(default=24.0, ge=0)
    """Two windows are consecutive when no more time than this lies between them."""
    min_new_annotated: int = Field(default=200, ge=1)
    """Newly annotated documents that are worth a training by themselves."""
    min_reviewed_notes: int = Field(default=100, ge=2)
    """Uniformly sampled reviewed notes below which two versions are not compared."""
    novelty_rate_ratio: float = Field(default=1.5, ge=1)
    """Rate of unknown words against the reference's, from which on it is an alert; asked when it is beyond noise."""
    novelty_new_share: float = Field(default=0.05, ge=0, le=1)
    """Share of the recurring unknown words that are new to the window, less what chance gives, from which on it is an alert."""

    @model_validator(mode="after")
    def _bands_ascend(self) -> "DriftRules":
        if not self.watch_percent <= self.retrain_percent <= self.experiment_percent:
            raise ValueError("watch_percent, retrain_percent and experiment_percent must ascend")
        return self

    @classmethod
    def checked(cls, **values: float) -> "DriftRules":
        """Rules from a run's parameters.

        Raises:
            ConfigError: one is out of range, or the bands do not ascend; the message names what is wrong.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, problem['loc'])) or 'bands'}: {problem['msg']}" for problem in error.errors())
            raise ConfigError("; ".join(problems)) from None

    def band(self, deviation: float) -> Action:
        """The action that a deviation alone asks for."""
        if deviation > self.experiment_percent:
            return "experiment"
        if deviation >= self.retrain_percent:
            return "retrain"
        return "watch" if deviation >= self.watch_percent else "none"
