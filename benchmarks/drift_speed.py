"""Speed of profiles and scores against Evidently, on one million rows, and of ten million rows as a stream."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from benchmarks import drift_evidently
from clinical_ner.drift.columns import columns_of
from clinical_ner.drift.profile import Model, profile_of, profile_table
from clinical_ner.drift.report import evidently_report
from clinical_ner.drift.scores import score_columns

ROWS = 1_000_000
PARTS = 10
MIN_RATIO = 50.0
MAX_DIFFERENCE = 1e-3
MAX_MEGABYTES = 400.0
MODEL = Model("clinical-ner", "v1", "sha256:benchmark")

T = TypeVar("T")

_STREAM = """
import json, re, sys, time
from pathlib import Path
import pyarrow.parquet as pq
from clinical_ner.drift.columns import SCHEMA
from clinical_ner.drift.profile import Model, ROWS_AT_A_TIME, profile_batches
path, parts, labels = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
def batches():
    for _ in range(parts):
        yield from pq.ParquetFile(path).iter_batches(ROWS_AT_A_TIME, columns=SCHEMA.names)
began = time.perf_counter()
profile = profile_batches(batches(), Model("clinical-ner", "v1", "sha256:benchmark"), labels)
seconds = time.perf_counter() - began
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
print(json.dumps({"rows": profile.notes, "seconds": seconds, "megabytes": int(peak) / 1024}))
"""


def clock(work: Callable[[], T]) -> tuple[T, float]:
    """The result, and the seconds of processor time."""
    began = time.process_time()
    return work(), time.process_time() - began


def measure(pool: Any, quick: bool) -> bool:
    rows = ROWS // 10 if quick else ROWS
    columns, _ = pool.reference_columns(10_000)
    reference = profile_of(columns, MODEL)
    table = pool.windows.take(pool.generator.integers(0, len(pool.windows), rows))
    print(f"\nSpeed: {rows:,} rows, {len(reference.columns)} columns; seconds of processor time")
    evidently_report(reference, profile_table(table.slice(0, 1_000), MODEL, pool.labels))  # imports, once
    (profile, scores), ours = clock(lambda: _score(pool, reference, table))
    began = time.perf_counter()
    _, rival = clock(lambda: evidently_report(reference, profile, max_rows=10**9))
    rival_elapsed = time.perf_counter() - began
    raw = drift_evidently.scores(columns, columns_of(table, pool.labels), [(one.column, one.method) for one in scores])
    difference = max(abs(one.score - other) for one, other in zip(scores, raw, strict=True))
    same = all(one.drifted == (other >= one.threshold) for one, other in zip(scores, raw, strict=True))
    checks = [
        (f"ours {ours:.2f} s, Evidently {rival:.1f} s, ratio", rival / ours, f"{rival / ours:.0f}x", rival / ours >= MIN_RATIO),
        ("largest difference from scores of the raw values", difference, f"{difference:.1e}", difference <= MAX_DIFFERENCE),
        ("verdicts at equal thresholds", same, "the same" if same else "differ", same),
        *_stream(pool, table, rival_elapsed),
    ]
    for name, _, text, passed in checks:
        print(f"{name:<52} {text:>14}  {'PASS' if passed else 'FAIL'}", flush=True)
    return quick or all(passed for *_, passed in checks)


def _score(pool: Any, reference: Any, table: Any) -> tuple[Any, Any]:
    profile = profile_table(table, MODEL, pool.labels)
    return profile, score_columns(reference, profile)


def _stream(pool: Any, table: Any, rival_seconds: float) -> list[tuple[str, float, str, bool]]:
    """In a process of its own, whose peak memory is the stream's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=100_000)
        command = [sys.executable, "-c", _STREAM, str(path), str(PARTS), ",".join(pool.labels)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    seconds, megabytes = found["seconds"], found["megabytes"]
    return [
        (
            f"{found['rows']:,} rows streamed, elapsed, of Evidently's for fewer",
            seconds,
            f"{seconds:.0f} s of {rival_seconds:.0f} s",
            seconds < rival_seconds,
        ),
        ("their peak memory", megabytes, f"{megabytes:.0f} MB", megabytes <= MAX_MEGABYTES),
    ]
