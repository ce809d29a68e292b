"""How strictly a canary is judged. Every limit may be set; the defaults are for a service of some requests a second."""

from pydantic import Field, model_validator

from clinical_ner.rollout.written import Written


class AnalysisRules(Written, extra="forbid"):
    """Limits of :mod:`clinical_ner.rollout.analysis.judging`.

    A pair ``tolerated_*`` and ``allowed_*`` bounds one quantity: the canary fails when it is worse than tolerated beyond
    noise, passes when it is better than what is allowed beyond noise, and is inconclusive until one of them holds. Identical
    models lie well inside both.
    """

    false_alarm: float = Field(default=0.002, gt=0, lt=0.5)
    """Probability that chance alone rolls back an identical canary in a whole rollout, over all steps, checks and looks."""
    miss: float = Field(default=0.01, gt=0, lt=0.5)
    """Probability that a canary exactly as bad as allowed passes one check of one step."""

    tolerated_errors: float = Field(default=0.002, ge=0, le=1)
    """Share of calls that fail, canary less stable."""
    allowed_errors: float = Field(default=0.01, gt=0, le=1)
    tolerated_refusals: float = Field(default=0.02, ge=0, le=1)
    """Share of calls answered that the request is wrong, canary less stable: clients are the same, so should the share be."""
    allowed_refusals: float = Field(default=0.05, gt=0, le=1)

    slower: float = Field(default=2.0, ge=1)
    """How many times the stable's p50 and p99 the canary's may be."""
    tolerated_slow_median: float = Field(default=0.02, ge=0, le=1)
    """Share of the canary's calls beyond ``slower`` times the stable's p50, less the stable's share beyond its p50."""
    allowed_slow_median: float = Field(default=0.05, gt=0, le=1)
    tolerated_slow_tail: float = Field(default=0.002, ge=0, le=1)
    """The same at p99."""
    allowed_slow_tail: float = Field(default=0.01, gt=0, le=1)

    tolerated_entities: float = Field(default=1.25, gt=1)
    """Factor, up or down, between the canary's entities per token and what the gate lets expect of it."""
    allowed_entities: float = Field(default=1.5, gt=1)
    tolerated_score: float = Field(default=1.06, gt=1)
    """The same factor of the mean score."""
    allowed_score: float = Field(default=1.12, gt=1)
    tolerated_collapse_entities: float = Field(default=1.4, gt=1)
    """Where the gate recorded nothing, the canary may find more, and fewer by this factor."""
    allowed_collapse_entities: float = Field(default=1.75, gt=1)
    tolerated_collapse_score: float = Field(default=1.12, gt=1)
    allowed_collapse_score: float = Field(default=1.2, gt=1)
    min_label_share: float = Field(default=0.05, ge=0, le=1)
    """A label with less than this share of the stable's entities can fail the canary, but nobody waits for its sample."""

    @model_validator(mode="after")
    def _tolerated_below_allowed(self) -> "AnalysisRules":
        for name in (
            "errors",
            "refusals",
            "slow_median",
            "slow_tail",
            "entities",
            "score",
            "collapse_entities",
            "collapse_score",
        ):
            tolerated, allowed = getattr(self, f"tolerated_{name}"), getattr(self, f"allowed_{name}")
            if tolerated >= allowed:
                raise ValueError(f"tolerated_{name} = {tolerated:g} must be less than allowed_{name} = {allowed:g}")
        return self
