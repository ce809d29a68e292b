"""A process that lets children log and kills them: ``killed_writer SPOOL URI ANSWERS KILLS``.

Each child opens the log on SPOOL and URI, logs requests of 1 to 3 notes as fast as it can, and after each adds the record ids
to the file ANSWERS, as a server answers; some milliseconds after its first it is killed. They are forked from one warm process,
which has no threads, so that 50 lives take seconds. A line on standard output tells of each death.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pyarrow.json
import pyarrow.parquet  # noqa: F401  # warm
from prometheus_client import CollectorRegistry

from clinical_ner.inference_log import shipping  # noqa: F401  # warm
from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.storage import open_storage, s3  # noqa: F401  # warm
from tests.clinical_ner.inference_log.records import VERSION, make_record

LIMITS = LogLimits(segment_bytes=16 * 1024, flush_seconds=0.02)


def main(spool: Path, uri: str, answers: Path, kills: int) -> None:
    random.seed(0)
    answers.touch()
    for number in range(kills):
        child = os.fork()
        if not child:
            random.seed(number)
            serve(spool, uri, answers)
        wait_for_more(answers)
        time.sleep(random.uniform(0.0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        sys.stdout.write("killed\n")
        sys.stdout.flush()


def wait_for_more(answers: Path) -> None:
    size = answers.stat().st_size
    while answers.stat().st_size == size:
        time.sleep(0.001)


def serve(spool: Path, uri: str, answers: Path) -> None:
    log = InferenceLog(spool, open_storage(uri), LIMITS, LogMetrics(CollectorRegistry(), VERSION), required=True)
    caller = os.open(answers, os.O_WRONLY | os.O_APPEND)
    while True:
        records = [make_record() for _ in range(random.randint(1, 3))]
        log.append(records)
        os.write(caller, "".join(f"{record.record_id}\n" for record in records).encode())
        time.sleep(0.0005)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
