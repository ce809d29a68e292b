"""Which answered notes are drawn for review, and with what probability: a pure function of the note's record id.

Two strata that share no note. ``uniform`` holds every note with the same probability; scores, KPIs and roll backs are computed
from it alone. ``low-confidence`` is drawn from the other notes whose least certain entity scores below a threshold: a model
learns most from those, and is judged wrongly by them.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from clinical_ner.errors import ConfigError


class Stratum(StrEnum):
    """Why a note was drawn."""

    UNIFORM = "uniform"
    LOW_CONFIDENCE = "low-confidence"


class Draw(NamedTuple):
    """That a note was drawn; ``probability`` is that of a note like it to be drawn into the stratum, above 0."""

    stratum: Stratum
    probability: float


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """How many notes are drawn; probabilities are 0 to 1, 0 switches a stratum off.

    Raises:
        ConfigError: a probability or the threshold is not within 0 to 1.
    """

    uniform_probability: float
    low_confidence_probability: float = 0.0
    low_confidence_threshold: float = 0.5
    """A note is of low confidence when its smallest entity score is below; a note without entities never is."""
    key: bytes = b""
    """Who does not have it cannot foresee which record ids are drawn."""

    def __post_init__(self) -> None:
        for name in ("uniform_probability", "low_confidence_probability", "low_confidence_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"review samples: {name} = {getattr(self, name)} does not lie within 0 to 1")

    def draw(self, record_id: str, scores: Sequence[float]) -> Draw | None:
        """Whether the note with these entity scores is drawn; the same whenever and wherever it is asked."""
        if self._chance(Stratum.UNIFORM, record_id) < self.uniform_probability:
            return Draw(Stratum.UNIFORM, self.uniform_probability)
        low = bool(scores) and min(scores) < self.low_confidence_threshold
        if low and self._chance(Stratum.LOW_CONFIDENCE, record_id) < self.low_confidence_probability:
            return Draw(Stratum.LOW_CONFIDENCE, (1 - self.uniform_probability) * self.low_confidence_probability)
        return None

    def _chance(self, stratum: Stratum, record_id: str) -> float:
        """A number from 0 to below 1, even over record ids and independent between strata."""
        digest = hmac.digest(self.key, f"{stratum}\0{record_id}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return int.from_bytes(digest[:6], "big") / 2**48
