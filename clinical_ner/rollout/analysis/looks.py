"""How the confidence of a rollout is divided.

A step is judged again and again, and each look is a chance to be wrong: the k-th gets 1 / (k (k + 1)) of the confidence, which
sums to 1 over any number of looks (union bound). Failing is divided over steps and questions too; passing is not, since a
canary must pass all of them.
"""

from typing import NamedTuple

from clinical_ner.rollout.analysis.rules import AnalysisRules

QUESTIONS = 7
"""Of every look: errors as server and callers see them, refusals, p50, p99, and two sides of the score."""
QUESTIONS_PER_LABEL = 2
GROWTH = 1.5
"""How many times the requests of one look the next one has."""
FIRST_LOOK = 100
"""Requests of the canary's at the first look."""


class Look(NamedTuple):
    """The how-manieth look at a step this is, and how many steps share the confidence.

    ``full`` counts only those looks that could pass the step: after its time and its requests.
    """

    number: int = 1
    full: int = 1
    steps: int = 1


class Strictness(NamedTuple):
    """Error probabilities of one question of one look."""

    fail: float
    """That an identical canary fails."""
    accept: float
    """That a canary as bad as allowed passes."""


def strictness(rules: AnalysisRules, look: Look, labels: int) -> Strictness:
    """The confidence of one question."""
    questions = QUESTIONS + QUESTIONS_PER_LABEL * labels
    full = max(look.full, 1)
    return Strictness(
        fail=rules.false_alarm / (questions * look.steps * look.number * (look.number + 1)),
        accept=rules.miss / (full * (full + 1)),
    )


def next_look(requests: float) -> int:
    """At how many requests to look again after a look at ``requests``."""
    return max(FIRST_LOOK, int(requests * GROWTH) + 1)
