"""Randomness that is the same on every machine and in every Python."""

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """A stream of random choices that its key decides.

    Only :meth:`random.Random.random` is drawn from, whose sequence for a string seed Python promises to keep; ``choice``
    and ``randint`` have changed between versions.
    """

    def __init__(self, *key: str | int) -> None:
        self.fraction = random.Random("/".join(map(str, key))).random  # noqa: S311 (a corpus, not a secret)

    def chance(self, probability: float) -> bool:
        return self.fraction() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.fraction() * len(items))]
