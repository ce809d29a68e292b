"""Inference log in, profiles of the last two windows out."""

import structlog

from clinical_ner.clock import utc_now
from clinical_ner.drift.collected import CollectedWindow, dump_windows, window_bounds
from clinical_ner.drift.profile import Model, empty_profile
from clinical_ner.drift.windows import profiles_by_model
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.registry import Registry
from clinical_ner.stages.artifacts import PathLike, write_bytes
from clinical_ner.storage import open_storage

_log = structlog.get_logger()


def collect_window(
    *,
    model_name: str,
    registry_uri: str,
    log_uri: str,
    window_hours: float,
    window_end: str,
    windows_path: PathLike,
) -> dict[str, int]:
    """Read what the live version answered in the last two windows, and count it.

    The log lies beside the registry when ``log_uri`` is empty. Files of the log that break its schema are quarantined, and
    counted. Returns numbers for the run's metrics.

    Raises:
        NotFound: no version is live.
        ConfigError: a parameter is wrong.
    """
    champion = Registry(open_storage(registry_uri)).get(model_name, "live")
    model = Model(model_name, champion.version, champion.digest)
    log_storage = open_storage(log_uri or registry_uri)
    windows, duplicates, rejected = [], 0, 0
    for start, end in window_bounds(window_hours, window_end, now=utc_now()):
        reading = scan_window(log_storage, model_name, start, end)
        profiles = profiles_by_model(reading.table, {champion.digest: champion.manifest.labels})
        profile = profiles.get(model) or empty_profile(model, champion.manifest.labels)
        windows.append(CollectedWindow(start, end, profile))
        duplicates += reading.duplicates
        rejected += len(reading.rejected)
    write_bytes(windows_path, dump_windows(windows))
    counts = {"notes": windows[-1].profile.notes, "notes_before": windows[0].profile.notes}
    counts |= {"duplicate_records": duplicates, "rejected_files": rejected}
    _log.info("collected", version=champion.version, **counts)
    return counts
