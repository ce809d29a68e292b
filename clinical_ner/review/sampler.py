"""Review samples as a server makes them: drawn within the request, de-identified and stored by a thread of its own."""

import queue
import threading
import time

import structlog

from clinical_ner.deidentify import Deidentifier
from clinical_ner.errors import StorageError
from clinical_ner.review.answered import AnsweredNote, ServedModel
from clinical_ner.review.metrics import ReviewMetrics
from clinical_ner.review.sample import ReviewSample
from clinical_ner.review.sampling import Draw, SamplingPlan
from clinical_ner.review.store import write_sample
from clinical_ner.storage import Storage

QUEUED_NOTES = 256
LONGEST_NOTE = 100_000
"""Code points; longer notes are passed over and counted, since de-identifying one would hold up requests."""
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
_LOOK_SECONDS = 0.2

log = structlog.get_logger("review")


class ReviewSampler:
    """Draws by ``plan`` and stores what was drawn. Notes wait in memory only: a killed process loses them."""

    def __init__(self, plan: SamplingPlan, model: ServedModel, storage: Storage, metrics: ReviewMetrics) -> None:
        self._plan = plan
        self._model = model
        self._storage = storage
        self._metrics = metrics
        self._waiting: queue.Queue[tuple[AnsweredNote, Draw]] = queue.Queue(QUEUED_NOTES)
        self._ending = threading.Event()
        self._deidentifier = Deidentifier()
        self._thread = threading.Thread(target=self._run, name="review-samples", daemon=True)
        self._thread.start()

    def consider(self, note: AnsweredNote) -> bool:
        """Whether the note was drawn. Takes microseconds and never waits: what cannot be queued is counted as lost."""
        draw = self._plan.draw(note.record_id, [entity.score for entity in note.entities])
        if draw is None or not note.text.strip():
            return False
        if len(note.text) > LONGEST_NOTE:
            self._metrics.lose("too-long")
            return True
        try:
            self._waiting.put_nowait((note, draw))
        except queue.Full:
            self._metrics.lose("queue-full")
        return True

    def close(self, timeout_seconds: float) -> None:
        """Store what waits, for at most so long; the rest is counted as lost."""
        self._ending.set()
        self._thread.join(timeout_seconds)
        waiting = self._waiting.unfinished_tasks
        if waiting:
            self._metrics.lose("shutdown", waiting)
            log.warning("review_samples_lost", reason="shutdown", notes=waiting)
        else:
            log.info("review_samples_closed")

    def _run(self) -> None:
        while not (self._ending.is_set() and self._waiting.empty()):
            try:
                note, draw = self._waiting.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            self._keep(note, draw)
            self._waiting.task_done()

    def _keep(self, note: AnsweredNote, draw: Draw) -> None:
        step = "not-de-identified"
        try:
            sample = make_sample(self._deidentifier, note, draw, self._model)
            step = "not-stored"
            self._store(sample)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next note must be looked at
            self._metrics.lose(step)
            log.error("review_sample_lost", reason=step, type=type(error).__name__)  # noqa: TRY400  # its message may quote

    def _store(self, sample: ReviewSample) -> None:
        """Write a sample, trying again while the store refuses; raises as the last attempt."""
        for attempt in range(ATTEMPTS):
            try:
                write_sample(self._storage, sample)
            except (StorageError, OSError) as error:
                log.warning(
                    "review_sample_not_stored", reason=getattr(error, "strerror", None) or str(error), attempt=attempt + 1
                )
                if attempt + 1 == ATTEMPTS:
                    raise
                self._pause(FIRST_PAUSE_SECONDS * 2**attempt)
            else:
                self._metrics.store(sample.stratum, sample.dropped_entities)
                return

    def _pause(self, seconds: float) -> None:
        if self._ending.is_set():
            time.sleep(FIRST_PAUSE_SECONDS)
        else:
            self._ending.wait(seconds)


def make_sample(deidentifier: Deidentifier, note: AnsweredNote, draw: Draw, model: ServedModel) -> ReviewSample:
    """The sample of a drawn note: its text de-identified, its predictions at their new places.

    Raises:
        DataError: the text cannot be de-identified.
    """
    safe = deidentifier.deidentify(note.text)
    moved = safe.move(note.entities)
    return ReviewSample(
        record_id=note.record_id,
        time=note.time,
        model_name=model.name,
        model_version=model.version,
        model_digest=model.digest,
        stratum=draw.stratum,
        probability=draw.probability,
        site=note.site,
        specialty=note.specialty,
        text=safe.text,
        entities=moved.entities,
        dropped_entities=moved.dropped,
        identifiers=safe.counts,
    )
