"""How long new data waits until a model that learnt from it is live."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from clinical_ner.datasets import describe_dataset
from clinical_ner.errors import NotFound
from clinical_ner.kpi.figures import Figure
from clinical_ner.kpi.intervals import quantile_interval
from clinical_ner.registry import Registry
from clinical_ner.storage import Storage
from clinical_ner.version_states import State


class LeadTime(NamedTuple):
    """From the oldest dataset that ``version`` learnt from and no live version before it did, to its first promotion."""

    version: str
    live_at: datetime
    hours: float


def lead_times(registry: Registry, storage: Storage, model: str) -> list[LeadTime]:
    """One for every version that became live with new data, in order of promotion; ``storage`` holds the datasets.

    Versions and datasets that were pruned are passed over. Raises StorageError.
    """
    known: set[str] = set()
    times = []
    for version, live_at in _promotions(registry, model):
        try:
            trained_on = registry.get(model, version).manifest.datasets.get("train", "")
        except NotFound:
            continue
        created = _with_ancestors(storage, trained_on)
        # A dataset that was described after the promotion was stored again, not new then.
        new = [time for digest, time in created.items() if digest not in known and time <= live_at]
        known.update(created)
        if new:
            times.append(LeadTime(version, live_at, (live_at - min(new)) / timedelta(hours=1)))
    return times


def hours_to_live(times: Sequence[LeadTime]) -> Figure:
    """The median of the lead times, in hours."""
    hours = [each.hours for each in times]
    value = float(np.median(hours)) if hours else None
    return Figure("new data to live model", value, *quantile_interval(hours, 0.5), len(hours), "versions", "hours (median)")


def _promotions(registry: Registry, model: str) -> list[tuple[str, datetime]]:
    first: dict[str, datetime] = {}
    for change in registry.states(model).changes:
        if change.state is State.LIVE:
            first.setdefault(change.version, change.time)
    return sorted(first.items(), key=lambda item: item[1])


def _with_ancestors(storage: Storage, digest: str) -> dict[str, datetime]:
    """When a dataset and all that it was made from were stored, by digest."""
    created: dict[str, datetime] = {}
    waiting = [digest] if digest else []
    while waiting:
        current = waiting.pop()
        if current in created:
            continue
        try:
            dataset = describe_dataset(storage, current)
        except NotFound:
            continue
        created[current] = dataset.created_at
        waiting += dataset.parents
    return created
