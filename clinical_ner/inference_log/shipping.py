"""The thread that sends closed spool files, however often that fails."""

import threading
import time
import traceback
from collections import Counter

import structlog

from clinical_ner.errors import ClinicalNerError
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.segments import Segment, locked
from clinical_ner.inference_log.sending import send_segment
from clinical_ner.inference_log.spool import Spool
from clinical_ner.storage import Storage

POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PAUSE_AT_END_SECONDS = 0.25

log = structlog.get_logger("inference_log")


class Shipper:
    """Closes the live segment every ``flush_seconds`` and sends what is closed; at most one segment is in memory."""

    def __init__(self, spool: Spool, storage: Storage, metrics: LogMetrics, *, flush_seconds: float) -> None:
        self._spool = spool
        self._storage = storage
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._attempts: Counter[str] = Counter()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Send all that waits, for at most so long. False when it took longer; the rest stays in the spool."""
        self._ending.set()
        self._spool.changed.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def send_closed(self) -> None:
        """Send every closed segment, those that failed most often last.

        Raises:
            StorageError: the store refused one; those behind it wait for the next call.
            OSError: the spool folder cannot be read.
        """
        self._spool.close_live(0.0 if self._ending.is_set() else self._flush_seconds)
        for segment in sorted(self._spool.closed(), key=lambda segment: self._attempts[segment.path.name]):
            self._attempts[segment.path.name] += 1
            self._send(segment)
            del self._attempts[segment.path.name]

    def _send(self, segment: Segment) -> None:
        # Locked: of several servers on one folder only one sends it, and none drops it meanwhile.
        with locked(segment.path) as mine:
            if mine:
                send_segment(self._storage, segment, segment.path.read_bytes(), self._metrics)
                segment.path.unlink()

    def _run(self) -> None:
        failures = 0
        while True:
            ending = self._ending.is_set()
            failures = 0 if self._try_to_send() else failures + 1
            if ending and not failures:
                return
            self._wait(failures)

    def _try_to_send(self) -> bool:
        try:
            self.send_closed()
        except (ClinicalNerError, OSError) as error:
            self._metrics.fail("send")
            log.warning("not_sent", type=type(error).__name__, reason=getattr(error, "strerror", None) or str(error))
            return False
        except Exception as error:  # noqa: BLE001  # whatever it is: without this thread the spool fills up and drops
            self._metrics.fail("thread")
            places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            log.error("not_sent", type=type(error).__name__, frames=places)  # noqa: TRY400  # its message may quote
            return False
        return True

    def _wait(self, failures: int) -> None:
        if not failures:
            self._spool.changed.wait(POLL_SECONDS)
            self._spool.changed.clear()
        elif self._ending.is_set():
            time.sleep(PAUSE_AT_END_SECONDS)
        else:
            self._ending.wait(pause_seconds(failures))


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row: 0.5, 1, 2 ... up to :data:`LONGEST_PAUSE_SECONDS`."""
    return min(LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** min(failures, 16))
