"""The spool: one write a request, one live segment a server, a cap, and a disk that refuses."""

import math
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log import segments
from clinical_ner.inference_log.frames import decode_frames, encode_frame
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.record import encode_records
from clinical_ner.inference_log.segments import list_segments, locked
from clinical_ner.inference_log.spool import Spool
from tests.clinical_ner.inference_log.records import make_record

LINES = encode_records([make_record()])
FRAME = len(encode_frame(LINES))


@pytest.fixture
def open_spool(spool_folder: Path, metrics: LogMetrics) -> Callable[..., Spool]:
    def open_one(*, cap_frames: int = 100, segment_frames: int = 10) -> Spool:
        return Spool(spool_folder, cap_bytes=cap_frames * FRAME, segment_bytes=segment_frames * FRAME, metrics=metrics)

    return open_one


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Every file of this process is full at ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_calls() -> int:
    return int(next(line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("syscw")).split()[1])


def test_request_is_one_write(open_spool: Callable[..., Spool], spool_folder: Path) -> None:
    """All records of a request reach the kernel in a single write, and are in the file when append returns."""
    spool = open_spool()
    spool.append(LINES)
    request = encode_records([make_record() for _ in range(5)])

    before = write_calls()
    spool.append(request)
    assert write_calls() - before == 1

    (segment,) = list_segments(spool_folder)
    assert decode_frames(segment.path.read_bytes()).bodies == [LINES, request]


def test_segment_is_closed_at_its_size(open_spool: Callable[..., Spool]) -> None:
    """A frame that no longer fits begins a new segment; a request longer than a segment has one of its own."""
    spool = open_spool(segment_frames=3)
    for _ in range(4):
        spool.append(LINES)
    assert [segment.size for segment in spool.closed()] == [3 * FRAME]
    assert spool.changed.is_set()

    spool.append(LINES * 5)
    spool.append(LINES)
    assert [decode_frames(segment.path.read_bytes()).bodies for segment in spool.closed()] == [
        [LINES] * 3,
        [LINES],
        [LINES * 5],
    ]


def test_segment_is_closed_at_its_age(open_spool: Callable[..., Spool]) -> None:
    """A live segment is closed when it is as old as asked; without records there is none to close."""
    spool = open_spool()
    spool.close_live()
    assert spool.closed() == []

    spool.append(LINES)
    spool.close_live(older_than_seconds=3600)
    assert spool.closed() == []
    spool.close_live()
    assert len(spool.closed()) == 1


def test_oldest_segment_goes_past_the_cap(
    open_spool: Callable[..., Spool], spool_folder: Path, counted: Callable[..., float]
) -> None:
    """Past the cap the oldest closed segment is dropped, its records are counted, and the log says so as an error."""
    spool = open_spool(cap_frames=8, segment_frames=2)
    with structlog.testing.capture_logs() as lines:
        for number in range(14):
            spool.append(encode_records([make_record(request_id=f"visit-{number:02d}")]))

    kept = b"".join(segment.path.read_bytes() for segment in list_segments(spool_folder))
    assert counted("lost_records_total", reason="spool-cap") == 6
    assert [(line["event"], line["log_level"], line["reason"], line["records"]) for line in lines] == [
        ("records_lost", "error", "spool-cap", 2)
    ] * 3
    assert [number for number in range(14) if f"visit-{number:02d}".encode() in kept] == list(range(6, 14))
    assert len(kept) <= 8 * FRAME


def test_clock_that_goes_back_costs_no_live_segment(
    open_spool: Callable[..., Spool], counted: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments of a clock that goes back again and again are dropped past the cap as ever, and the live one never."""
    spool = open_spool(cap_frames=4, segment_frames=1)
    for number in range(10):
        monkeypatch.setattr(segments.time, "time_ns", lambda number=number: 10**18 - number * 10**15)
        spool.append(encode_records([make_record(request_id=f"visit-{number:02d}")]))
    spool.close_live()

    assert counted("lost_records_total", reason="spool-cap") == 6
    assert any(b"visit-09" in segment.path.read_bytes() for segment in spool.closed())


def test_segment_being_sent_is_not_dropped(open_spool: Callable[..., Spool]) -> None:
    """Past the cap a segment that is held by its sender stays, and the next oldest goes."""
    spool = open_spool(cap_frames=4, segment_frames=1)
    for _ in range(3):
        spool.append(LINES)
    first, second = spool.closed()
    with locked(first.path) as mine:
        assert mine
        for _ in range(2):
            spool.append(LINES)

    assert first.path.exists()
    assert not second.path.exists()


def test_cap_below_two_segments_is_refused(open_spool: Callable[..., Spool]) -> None:
    """A spool that could not hold a closed segment beside the live one is a wrong setting."""
    with pytest.raises(ConfigError, match="two segments"):
        open_spool(cap_frames=1, segment_frames=1)


def test_spool_folder_that_is_a_file_is_refused(spool_folder: Path, open_spool: Callable[..., Spool]) -> None:
    """A folder that cannot be made is named with the reason."""
    spool_folder.write_text("")
    with pytest.raises(ConfigError, match=f"{spool_folder}.*exists"):
        open_spool()


def test_two_servers_keep_their_live_segments(open_spool: Callable[..., Spool]) -> None:
    """Two spools on one folder append to files of their own, neither closes the other's, and both see what is closed."""
    first, second = open_spool(), open_spool()
    first.append(LINES)
    second.append(LINES * 2)

    assert first.closed() == second.closed() == []

    first.close_live()
    assert first.closed() == second.closed() != []
    second.append(LINES)
    second.close_live()
    bodies = [decode_frames(segment.path.read_bytes()).bodies for segment in first.closed()]
    assert sorted(bodies) == sorted([[LINES], [LINES * 2, LINES]])


def test_segment_of_a_dead_server_is_found(open_spool: Callable[..., Spool], spool_folder: Path) -> None:
    """What a killed process left is closed and kept by the next one, and not while that process lives."""
    script = (
        "import sys, time; from pathlib import Path; from clinical_ner.inference_log.segments import LiveSegment\n"
        "LiveSegment.create(Path(sys.argv[1])).append(sys.argv[2].encode()); print(flush=True); time.sleep(60)"
    )
    spool = open_spool()
    arguments = [sys.executable, "-c", script, str(spool_folder), encode_frame(LINES).decode()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert spool.closed() == []
        process.kill()
        process.wait()

    (segment,) = spool.closed()
    assert decode_frames(segment.path.read_bytes()).bodies == [LINES]


def test_full_disk_takes_nothing_of_a_request(open_spool: Callable[..., Spool]) -> None:
    """A request that fits only in part is refused and leaves no part of itself; the next ones go on where it began."""
    spool = open_spool()
    spool.append(LINES)
    with files_limited_to(FRAME + 50), pytest.raises(OSError, match="space"):
        spool.append(LINES)
    with files_limited_to(FRAME), pytest.raises(OSError, match="large"):
        spool.append(LINES)
    spool.append(LINES)
    spool.close_live()

    (segment,) = spool.closed()
    assert decode_frames(segment.path.read_bytes()) == ([LINES, LINES], 0, 0)


def test_removed_segment_is_counted(
    open_spool: Callable[..., Spool], spool_folder: Path, counted: Callable[..., float]
) -> None:
    """Records whose file somebody removed are counted; without the folder nothing is appended and what waits is unknown."""
    spool = open_spool()
    spool.append(LINES * 2)
    shutil.rmtree(spool_folder)
    spool.close_live()

    assert counted("lost_records_total", reason="removed") == 2
    assert math.isnan(spool.waiting().bytes)
    with pytest.raises(FileNotFoundError):
        spool.append(LINES)


def test_waiting_counts_bytes_and_age(open_spool: Callable[..., Spool], spool_folder: Path) -> None:
    """What waits is the live and the closed; a clock that went back behind the oldest gives an age of 0."""
    spool = open_spool()
    assert spool.waiting() == (0, 0.0)

    spool.append(LINES)
    waiting = spool.waiting()
    assert waiting.bytes == FRAME
    assert 0 <= waiting.oldest_seconds < 60

    (live,) = list_segments(spool_folder)
    future = live.path.with_name(f"{10**19:020d}-ab.closed")
    os.link(live.path, future)
    live.path.unlink()
    assert spool.waiting() == (FRAME, 0.0)
