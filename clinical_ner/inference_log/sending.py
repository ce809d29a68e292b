"""Sending one spool file: its whole records as Parquet, what is damaged as it is to the quarantine."""

import time
from datetime import UTC, datetime

import structlog

from clinical_ner.errors import DataError
from clinical_ner.inference_log.frames import Frames, count_records, decode_frames
from clinical_ner.inference_log.layout import quarantined_segment
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.segments import Segment
from clinical_ner.storage import Storage

_PAUSE_SECONDS = 0.0005

log = structlog.get_logger("inference_log")


def send_segment(storage: Storage, segment: Segment, data: bytes, metrics: LogMetrics) -> None:
    """Write the records of a spool file to ``storage``. The file may be removed afterwards.

    Raises:
        StorageError: the store refused; sending all of it again does no harm.
    """
    frames = decode_frames(data, pause=lambda: time.sleep(_PAUSE_SECONDS))
    lines = b"".join(frames.bodies)
    try:
        if lines:
            _send_lines(storage, lines, segment.path.name, metrics)
    except DataError as error:
        _set_aside(storage, segment, data, metrics, str(error))
        return
    if frames.damaged_bytes:
        _set_aside(storage, segment, data, metrics, f"{segment.path.name}: {frames.damaged_bytes:,} bytes are damaged")
        metrics.lose("damaged", _damaged_records(data, frames))
    if frames.torn_bytes:
        log.warning("torn_record", segment=segment.path.name, bytes=frames.torn_bytes)


def _send_lines(storage: Storage, lines: bytes, name: str, metrics: LogMetrics) -> None:
    for key, data, records in to_objects(parse_lines(lines, name)):
        storage.write(key, data)
        metrics.send(records)


def _set_aside(storage: Storage, segment: Segment, data: bytes, metrics: LogMetrics, reason: str) -> None:
    key = quarantined_segment(datetime.fromtimestamp(segment.created_seconds, UTC).date(), data)
    storage.write(key, data)
    metrics.fail("convert")
    log.error("spool_file_set_aside", reason=reason, uri=storage.uri(key))


def _damaged_records(data: bytes, frames: Frames) -> int:
    """At least one: a frame's damaged lines may look like none."""
    torn = data[len(data) - frames.torn_bytes :]
    whole = sum(body.count(b"\n") for body in frames.bodies)
    return max(1, count_records(data) - whole - count_records(torn))
