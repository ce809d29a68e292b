"""Several rollouts of one service: one at a time, the oldest first, unless a newer one supersedes. Pure."""

from collections.abc import Iterable
from datetime import datetime

from clinical_ner.rollout.records import Stored


def ahead_of(own: Stored, rollouts: Iterable[Stored]) -> str:
    """The name of a rollout that must end before ``own`` may start; empty when there is none."""
    others = [each for each in _under_way(own, rollouts) if each.status.started or _age(each) < _age(own)]
    return min(others, key=lambda each: (not each.status.started, _age(each))).spec.name if others else ""


def superseded_by(own: Stored, rollouts: Iterable[Stored]) -> str:
    """The name of the newest rollout that takes the place of ``own``; empty when there is none."""
    newer = [each for each in _under_way(own, rollouts) if each.spec.plan.when_busy == "supersede" and _age(each) > _age(own)]
    return max(newer, key=_age).spec.name if newer else ""


def _under_way(own: Stored, rollouts: Iterable[Stored]) -> list[Stored]:
    return [each for each in rollouts if each.spec.name != own.spec.name and not each.status.ended]


def _age(stored: Stored) -> tuple[datetime, str]:
    return stored.spec.created, stored.spec.name
