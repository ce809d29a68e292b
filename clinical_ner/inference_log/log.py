"""The log as the server sees it: open, append, close."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from clinical_ner.errors import SpoolError
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.record import InferenceRecord, encode_records
from clinical_ner.inference_log.spool import Spool
from clinical_ner.storage import Storage

MEBIBYTE = 1024 * 1024
_SECONDS_BETWEEN_COMPLAINTS = 10.0

log = structlog.get_logger("inference_log")


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much waits on the local disk, and for how long."""

    cap_bytes: int = 1024 * MEBIBYTE
    """Beyond it the oldest closed segment is dropped."""
    segment_bytes: int = 4 * MEBIBYTE
    """A segment is closed at this size ..."""
    flush_seconds: float = 60.0
    """... or age, whichever comes first."""


class InferenceLog:
    """Records on their way: to ``folder`` before :meth:`append` returns, and to ``storage`` by a thread of its own.

    Raises:
        ConfigError: the folder cannot be made or written, or the limits do not fit.
    """

    def __init__(self, folder: Path, storage: Storage, limits: LogLimits, metrics: LogMetrics, *, required: bool) -> None:
        # Heavy, and imported here so that it is not within somebody's request.
        from clinical_ner.inference_log.shipping import Shipper

        self._required = required
        self._metrics = metrics
        self._complained = -_SECONDS_BETWEEN_COMPLAINTS
        self._spool = Spool(folder, cap_bytes=limits.cap_bytes, segment_bytes=limits.segment_bytes, metrics=metrics)
        metrics.watch(lambda: self._spool.waiting().bytes, lambda: self._spool.waiting().oldest_seconds)
        self._shipper = Shipper(self._spool, storage, metrics, flush_seconds=limits.flush_seconds)
        self._shipper.start()

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Write the records of one request, all or none. From here on they survive the process.

        When the disk refuses they are counted as lost.

        Raises:
            SpoolError: the disk refused and the log is required; the request must not be answered.
        """
        if not records:
            return
        try:
            self._spool.append(encode_records(records))
        except OSError as error:
            self._refused(error, len(records))
        else:
            self._metrics.write(len(records))

    def close(self, timeout_seconds: float) -> None:
        """Send all that waits, for at most so long; the rest is counted, and found by the next server on this folder."""
        if self._shipper.stop(timeout_seconds):
            log.info("inference_log_closed")
            return
        try:
            log.error("inference_log_not_sent", records=self._spool.count_waiting(), bytes=self._spool.waiting().bytes)
        except OSError as error:
            log.error("inference_log_not_sent", reason=error.strerror)  # noqa: TRY400  # no traceback

    def _refused(self, error: OSError, records: int) -> None:
        self._metrics.fail("spool")
        if not self._required:
            self._metrics.lose("spool-write", records)
        if time.monotonic() - self._complained >= _SECONDS_BETWEEN_COMPLAINTS:
            self._complained = time.monotonic()
            log.error("records_not_spooled", reason=error.strerror, answered=not self._required)
        if self._required:
            raise SpoolError(
                f"the inference log is required and its spool cannot be written: {error.strerror}; try again"
            ) from error
