"""Novelty: how many words the model does not know, and how many of those are new to the window. It alerts and decides nothing.

Words never leave the server: it counts them and, where a key is configured, logs a keyed hash of each unknown word. A hash
tells that a word came back, not which; words themselves are read in review samples only.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict
from scipy.special import pdtrc  # type: ignore[import-untyped]

from clinical_ner.drift.profile import Profile
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.unknown_words import UnknownWords
from clinical_ner.drift.windows import WindowDrift

MIN_NEW = 10
"""New words that recur, below which they are no alert: a patient brings some along, such as the own name."""
BY_CHANCE = 1e-4
"""Probability below which chance does not explain how many new words recur."""


class Novelty(BaseModel):
    """Unknown words of a window."""

    model_config = ConfigDict(frozen=True)

    unknown_rate: float
    """Mean over notes of the share of their tokens that the model does not know."""
    reference_rate: float | None
    """The same of the reference's notes; None for a window that was not judged."""
    words: UnknownWords | None
    """Different unknown words, and the new ones of them; None when the log was not asked for earlier words."""
    unasked: str
    """Why new words were not asked for, in words; empty when they were."""
    alert: bool
    reasons: tuple[str, ...]
    """Of the alert; none without."""

    @property
    def new_share(self) -> float:
        """Share of the different unknown words that no earlier note had; 0 when it was not asked."""
        return self.words.new / self.words.different if self.words and not self.unasked else 0.0

    @property
    def recurring_new_share(self) -> float:
        """The same of the words that recur."""
        return self.words.recurring_new / max(self.words.recurring, 1) if self.words and not self.unasked else 0.0


def measure_novelty(
    window: Profile, judged: WindowDrift, words: UnknownWords | None = None, *, rules: DriftRules | None = None
) -> Novelty:
    """Novelty of a window; its rate is compared when it was judged, its words when there are enough notes before it."""
    rules = rules or DriftRules()
    column = next((column for column in judged.columns if column.column == "oov_rate"), None)
    rate = window.mean("oov_rate") if window.notes else 0.0
    unasked = _why_unasked(words)
    reasons = []
    if column and column.beyond_noise and rate >= rules.novelty_rate_ratio * column.reference_mean:
        reasons.append(f"{rate:.1%} of the words are unknown to the model, {column.reference_mean:.1%} in its reference.")
    if words and not unasked:
        reasons.extend(_describe_new(words, rules))
    return Novelty(
        unknown_rate=rate,
        reference_rate=column.reference_mean if column else None,
        words=words,
        unasked=unasked,
        alert=bool(reasons),
        reasons=tuple(reasons),
    )


def _why_unasked(words: UnknownWords | None) -> str:
    if words is None:
        return "Earlier notes were not looked at (novelty_days = 0)."
    if not words.different:
        return "The window holds no hash of an unknown word: servers hash them when they are given a key."
    if words.earlier_notes < words.notes:
        return (
            f"The live version answered {words.earlier_notes:,} notes in the days before (novelty_days), "
            f"fewer than the window's {words.notes:,}: too few to tell what is new."
        )
    return ""


def _describe_new(words: UnknownWords, rules: DriftRules) -> Iterator[str]:
    beyond = words.recurring_new - words.recurring_new_by_chance
    by_chance = pdtrc(words.recurring_new - 1, words.recurring_new_by_chance) if words.recurring_new else 1.0
    if words.recurring_new < MIN_NEW or beyond < rules.novelty_new_share * words.recurring or by_chance > BY_CHANCE:
        return
    every = " That is every one: was the key changed?" if words.new == words.different else ""
    yield (
        f"{words.recurring_new:,} of {words.recurring:,} unknown words that recur are in none of the {words.earlier_notes:,} "
        f"notes before; chance explains {words.recurring_new_by_chance:,.1f}.{every}"
    )
