"""What a model must reach."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinical_ner.errors import ConfigError


class GateThresholds(BaseModel):
    """What a model must reach. F1 is strict span F1, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_f1: float = Field(default=0.6, ge=0, le=1)
    """Floor for each label."""
    max_f1_drop: float = Field(default=0.02, ge=0, le=1)
    """Non-inferiority margin against the champion."""
    min_test_spans: int = Field(default=100, ge=1)
    """Gold spans of a label below which nothing can be said of it."""
    min_reviewed_spans: int = Field(default=50, ge=1)
    """Gold spans in the reviewed notes, of all labels, below which nobody can be said to be better on them."""
    min_slice_f1: float = Field(default=0.4, ge=0, le=1)
    """Floor for each slice (site, specialty) of at least ``min_slice_spans`` gold spans."""
    min_slice_spans: int = Field(default=50, ge=1)
    max_unalignable_rate: float = Field(default=0.05, ge=0, le=1)
    """Share of gold spans that no token sequence expresses: above it the data or the tokenizer is wrong, not the model."""
    max_model_bytes: int = Field(default=100 * 1024 * 1024, ge=1)
    max_latency_ratio: float = Field(default=1.5, gt=0)
    """Time a note against the champion's, in the same process."""
    latency_decides: bool = False
    """Reject above ``max_latency_ratio`` instead of warning."""

    @classmethod
    def checked(cls, **values: float) -> "GateThresholds":
        """Thresholds from a run's parameters.

        Raises:
            ConfigError: one is out of range; the message names it and its limit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            raise ConfigError(problems) from None
