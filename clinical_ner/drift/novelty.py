"""Novelty: how many words the model does not know, and how many of those nobody has seen before.

Words never leave the server: it counts them and, where a key is configured, keeps a keyed hash of each unknown word. A hash
tells that a word came back, not which; words themselves are read in review samples only.
"""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from clinical_ner.drift.profile import Profile
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.inference_log.record import hash_word

__all__ = ["Novelty", "NoveltyRules", "hash_word", "measure_novelty"]


class NoveltyRules(BaseModel):
    """When new words are worth an alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_ratio: float = Field(default=1.5, ge=1)
    """Unknown words against the reference's; asked only when the column ``oov_rate`` is beyond noise."""
    new_share: float = Field(default=0.5, ge=0, le=1)
    """Share of the window's different unknown words that no earlier window had."""
    min_hashes: int = Field(default=100, ge=1)
    """Different unknown words below which their share that is new says nothing."""


class Novelty(BaseModel):
    """Unknown words of a window."""

    model_config = ConfigDict(frozen=True)

    unknown_rate: float
    """Mean over notes of the share of their tokens that the model does not know."""
    reference_rate: float
    hashes: int
    """Different unknown words, by hash; 0 without a key."""
    new_hashes: int
    """Those that no earlier window had."""
    alert: bool
    reasons: tuple[str, ...]

    @property
    def new_share(self) -> float:
        return self.new_hashes / self.hashes if self.hashes else 0.0


def measure_novelty(
    window: Profile,
    judged: WindowDrift,
    *,
    hashes: Iterable[str] = (),
    seen: frozenset[str] = frozenset(),
    rules: NoveltyRules | None = None,
) -> Novelty:
    """Novelty of a judged window; ``hashes`` are its unknown words', ``seen`` those of all earlier windows.

    Without earlier windows every hash would be new: their share is then not asked.
    """
    rules = rules or NoveltyRules()
    column = next((column for column in judged.columns if column.column == "oov_rate"), None)
    different = frozenset(hashes)
    new = different - seen if seen else frozenset()
    rate = window.mean("oov_rate") if window.notes else 0.0
    reference = column.reference_mean if column else 0.0
    reasons = []
    if column and column.beyond_noise and rate >= rules.rate_ratio * reference:
        reasons.append(f"{rate:.1%} of the words are unknown to the model, {reference:.1%} in its reference.")
    if len(different) >= rules.min_hashes and len(new) >= rules.new_share * len(different):
        reasons.append(f"{len(new):,} of {len(different):,} different unknown words came up for the first time.")
    return Novelty(
        unknown_rate=rate,
        reference_rate=reference,
        hashes=len(different),
        new_hashes=len(new),
        alert=bool(reasons),
        reasons=tuple(reasons),
    )
