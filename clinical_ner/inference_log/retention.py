"""How long the log is kept: what there is by day, and removing days."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from clinical_ner.inference_log.layout import LOG, QUARANTINE, date_of, parse_key
from clinical_ner.storage import Storage


class LogDay(NamedTuple):
    """The files of one model version on one day (UTC); of the quarantine's, ``model`` and ``version`` are empty."""

    day: date
    model: str
    version: str
    files: int

    @property
    def quarantined(self) -> bool:
        return not self.model


def list_days(storage: Storage) -> list[LogDay]:
    """Every day of the log and its quarantine, oldest first; raises StorageError."""
    counts = Counter((day, *_owner(key)) for key, day in _dated(storage))
    return sorted(LogDay(day, model, version, files) for (day, model, version), files in counts.items())


def prune(storage: Storage, before: date, *, dry_run: bool = False) -> int:
    """Delete every file of a day before ``before``, the quarantine's too; how many, or how many it would be.

    Raises:
        StorageError: the store refused; what is left can be pruned again.
    """
    keys = [key for key, day in _dated(storage) if day < before]
    if not dry_run:
        for key in keys:
            storage.delete(key)
    return len(keys)


def _dated(storage: Storage) -> Iterator[tuple[str, date]]:
    for prefix in (LOG, QUARANTINE):
        for key in storage.list(prefix):
            day = date_of(key)
            if day is not None:
                yield key, day


def _owner(key: str) -> tuple[str, str]:
    file = parse_key(key)
    return (file.model, file.version) if file else ("", "")
