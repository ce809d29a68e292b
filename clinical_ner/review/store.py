"""Where review samples lie: ``review-samples/model=<name>/date=YYYY-MM-DD/<record id>-<16 digits of the sha256>.json``.

By the request's time in UTC, one object a sample, written once. The prefix is apart from the inference log's, because these
hold text: who may read the log need not be allowed to read them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date
from typing import NamedTuple

from clinical_ner.digests import digest_of, hex_of
from clinical_ner.errors import AlreadyExists, DataError, NotFound
from clinical_ner.model_versions import check_name
from clinical_ner.review.sample import ReviewSample, parse_sample
from clinical_ner.storage import Storage

PREFIX = "review-samples/"
_KEY = re.compile(
    rf"{PREFIX}model=(?P<model>[^/]+)/date=(?P<date>\d{{4}}-\d\d-\d\d)/(?P<record_id>[0-9a-f]{{32}})-(?P<digest>[0-9a-f]{{16}})\.json"
)
_DATE = re.compile(r"/date=(\d{4}-\d\d-\d\d)/")


@dataclass(frozen=True, slots=True)
class SampleReading:
    """``samples`` by time and record id, each record id once; ``rejected`` names the objects that are no samples, and why."""

    samples: tuple[ReviewSample, ...]
    duplicates: int
    rejected: tuple[str, ...]


class SampleDay(NamedTuple):
    """How many samples there are of a model on one day (UTC)."""

    day: date
    model: str
    samples: int


def write_sample(storage: Storage, sample: ReviewSample) -> str:
    """Write a sample once and return its key; one that is there already stays. Raises StorageError."""
    data = sample.to_json()
    day = sample.time.astimezone(UTC).date().isoformat()
    name = f"{sample.record_id}-{hex_of(digest_of(data))[:16]}.json"
    key = f"{PREFIX}model={check_name(sample.model_name)}/date={day}/{name}"
    with suppress(AlreadyExists):  # it is named by its content
        storage.create(key, data)
    return key


def read_samples(storage: Storage, model: str, first: date | None = None, last: date | None = None) -> SampleReading:
    """The samples of a model from day ``first`` to day ``last``, both included; all days without them.

    Raises:
        StorageError: the store cannot be read.
    """
    samples: dict[str, ReviewSample] = {}
    duplicates, rejected = 0, []
    for key in storage.list(f"{PREFIX}model={check_name(model)}/"):
        day = _day_of(key)
        if day is None or (first is not None and day < first) or (last is not None and day > last):
            continue
        try:
            sample = _read(storage, key)
        except NotFound:
            continue  # pruned since it was listed
        except DataError as error:
            rejected.append(str(error))
            continue
        duplicates += sample.record_id in samples
        samples.setdefault(sample.record_id, sample)
    ordered = sorted(samples.values(), key=lambda sample: (sample.time, sample.record_id))
    return SampleReading(tuple(ordered), duplicates, tuple(rejected))


def list_days(storage: Storage) -> list[SampleDay]:
    """Every day that has samples, oldest first; raises StorageError."""
    matches = (_KEY.fullmatch(key) for key in storage.list(PREFIX))
    counts = Counter((date.fromisoformat(match["date"]), match["model"]) for match in matches if match)
    return sorted(SampleDay(day, model, samples) for (day, model), samples in counts.items())


def prune(storage: Storage, before: date, *, dry_run: bool = False) -> int:
    """Delete every sample of a day before ``before``; how many, or how many it would be.

    Raises:
        StorageError: the store refused; what is left can be pruned again.
    """
    keys = [key for key, day in _dated(storage) if day < before]
    return _delete(storage, keys, dry_run=dry_run)


def forget(storage: Storage, record_id: str, *, dry_run: bool = False) -> int:
    """Delete the samples of one note, as a patient may ask for; how many, or how many it would be. Raises StorageError."""
    keys = [key for key in storage.list(PREFIX) if key.rpartition("/")[2].startswith(f"{record_id}-")]
    return _delete(storage, keys, dry_run=dry_run)


def _delete(storage: Storage, keys: list[str], *, dry_run: bool) -> int:
    if not dry_run:
        for key in keys:
            storage.delete(key)
    return len(keys)


def _read(storage: Storage, key: str) -> ReviewSample:
    match, data = _KEY.fullmatch(key), storage.read(key)
    if match is None or not hex_of(digest_of(data)).startswith(match["digest"]):
        raise DataError(f"{key}: not a review sample: its name is not that of its content")
    sample = parse_sample(data, key)
    if sample.record_id != match["record_id"]:
        raise DataError(f"{key}: not a review sample: record_id is another")
    return sample


def _dated(storage: Storage) -> Iterator[tuple[str, date]]:
    for key in storage.list(PREFIX):
        day = _day_of(key)
        if day is not None:
            yield key, day


def _day_of(key: str) -> date | None:
    match = _DATE.search(key)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
