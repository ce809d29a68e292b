"""Inference log in, profiles of the last two windows out."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from typing import NamedTuple

import pyarrow.compute as pc  # type: ignore[import-untyped]
import structlog

from clinical_ner.batch_metrics import check_destination, publish
from clinical_ner.batch_metrics.monitoring import collected_series
from clinical_ner.clock import utc_now
from clinical_ner.drift.collected import CollectedWindow, dump_windows, look_back_of, window_bounds
from clinical_ner.drift.profile import Model, empty_profile
from clinical_ner.drift.unknown_words import COLUMNS, NO_WORDS, WordCounts, add_words, compare_words, count_words
from clinical_ner.drift.windows import profiles_by_model
from clinical_ner.inference_log.projection import read_columns
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.registry import Registry
from clinical_ner.stages.artifacts import PathLike, write_bytes
from clinical_ner.storage import Storage, open_storage

_log = structlog.get_logger()


def collect_window(
    *,
    model_name: str,
    registry_uri: str,
    log_uri: str,
    window_hours: float,
    window_end: str,
    novelty_days: float,
    metrics_to: str,
    windows_path: PathLike,
) -> dict[str, int]:
    """Read what the live version answered in the last two windows, and count it.

    The newest one's unknown words are compared with those of the ``novelty_days`` before both; 0 compares none. The log lies
    beside the registry when ``log_uri`` is empty. Files of the log that break its schema are quarantined, and counted. Returns
    numbers for the run's metrics.

    Raises:
        NotFound: no version is live.
        ConfigError: a parameter is wrong.
    """
    check_destination(metrics_to)
    champion = Registry(open_storage(registry_uri)).get(model_name, "live")
    model = Model(model_name, champion.version, champion.digest)
    log_storage = open_storage(log_uri or registry_uri)
    bounds = window_bounds(window_hours, window_end, now=utc_now())
    look_back = look_back_of(novelty_days)
    before, newest = (_collect(log_storage, model, champion.manifest.labels, start, end) for start, end in bounds)
    window = newest.window
    if look_back:
        earlier = _count_earlier(log_storage, model, bounds[0][0], look_back)
        window = replace(window, words=compare_words(newest.words, earlier))
    write_bytes(windows_path, dump_windows([before.window, window]))
    counts = {"notes": window.profile.notes, "notes_before": before.window.profile.notes}
    counts["duplicate_records"] = before.duplicates + newest.duplicates
    counts["rejected_files"] = before.rejected + newest.rejected
    _log.info("collected", version=champion.version, **counts)
    publish(collected_series(model_name, champion.version, counts, now=utc_now()), metrics_to)
    return counts


class _Collected(NamedTuple):
    """A window, its unknown words, and what became of the log's rows and files."""

    window: CollectedWindow
    words: WordCounts
    duplicates: int
    rejected: int


def _collect(storage: Storage, model: Model, labels: tuple[str, ...], start: datetime, end: datetime) -> _Collected:
    reading = scan_window(storage, model.name, start, end)
    profile = profiles_by_model(reading.table, {model.digest: labels}).get(model) or empty_profile(model, labels)
    words = count_words(reading.table.filter(pc.equal(reading.table["model_version"], model.version)))
    return _Collected(CollectedWindow(start, end, profile), words, reading.duplicates, len(reading.rejected))


def _count_earlier(storage: Storage, model: Model, before: datetime, look_back: timedelta) -> WordCounts:
    """Words that the same version did not know in that time; what another one did not know depends on its own lexicon."""
    hours = read_columns(storage, model.name, before - look_back, before, model.version, COLUMNS)
    return reduce(add_words, (count_words(hour) for hour in hours), NO_WORDS)
