"""Sending: through outages, past damaged files, until the process is told to stop."""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from clinical_ner.digests import digest_of
from clinical_ner.errors import ConfigError, StorageError
from clinical_ner.inference_log.layout import parse_key
from clinical_ner.inference_log.log import InferenceLog
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.reading import read_window
from clinical_ner.inference_log.record import encode_records
from clinical_ner.inference_log.shipping import LONGEST_PAUSE_SECONDS, Shipper, pause_seconds
from clinical_ner.inference_log.spool import Spool
from clinical_ner.storage import open_storage
from tests.clinical_ner.inference_log.records import MODEL, NOON, VERSION, WINDOW, SwitchedStorage, make_record
from tests.clinical_ner.inference_log.shipped import read_ids, wait_until
from tests.servers.versitygw import VersityGateway


def test_records_are_sent_while_the_server_runs(
    open_log: Callable[..., InferenceLog], storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """After flush_seconds the records are in the store, the spool is empty, and the metrics say so."""
    log = open_log(flush_seconds=0.1)
    records = [make_record() for _ in range(3)]
    log.append(records[:2])
    log.append(records[2:])
    assert counted("waiting_bytes") > 0
    wait_until(lambda: counted("waiting_bytes") == 0)

    assert sorted(read_ids(storage)) == sorted(record.record_id for record in records)
    assert counted("records_total") == counted("sent_records_total") == 3
    assert counted("oldest_unsent_seconds") == 0


def test_files_lie_by_model_version_and_hour_of_the_request(
    open_log: Callable[..., InferenceLog], storage: SwitchedStorage
) -> None:
    """Each file's folder tells model, version and hour of all its records, whatever their order; its name is its digest."""
    log = open_log()
    clocks = [
        NOON,
        NOON + timedelta(hours=12),
        NOON - timedelta(hours=1),
        NOON + timedelta(minutes=29),
        NOON - timedelta(days=1),
    ]
    for clock in clocks:
        log.append([make_record(clock), make_record(clock, model_version="v4")])
    log.append([make_record(NOON, model_version="a version / of notes")])
    log.close(10)

    prefixes = {key.rpartition("/")[0].removeprefix("inference-log/model=clinical-ner/") for key in storage.writes}
    hours = {"date=2026-03-01/hour=12", "date=2026-03-02/hour=00", "date=2026-03-01/hour=11", "date=2026-02-28/hour=12"}
    odd = "version=a_version___of_notes/date=2026-03-01/hour=12"
    assert prefixes == {f"version={version}/{hour}" for version in ("v3", "v4") for hour in hours} | {odd}
    assert [parse_key(key).digest for key in storage.writes] == [digest_of(storage.read(key)) for key in storage.writes]
    assert len(read_ids(storage)) == 11


def test_repeated_segment_overwrites_itself(spool: Spool, shipper: Shipper, storage: SwitchedStorage) -> None:
    """A segment that is sent again, as after a crash before its removal, leaves the same files and no second record."""
    spool.append(encode_records([make_record(), make_record(NOON + timedelta(hours=3))]))
    spool.close_live()
    (segment,) = spool.closed()
    data = segment.path.read_bytes()

    shipper.send_closed()
    segment.path.write_bytes(data)
    shipper.send_closed()

    assert len(storage.writes) == 4
    assert len(set(storage.writes)) == 2
    assert len(read_ids(storage)) == 2


def test_outage_loses_nothing(
    open_log: Callable[..., InferenceLog], storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """While the store refuses, failures are counted and requests go on; when it is back all is sent, by the thread itself."""
    storage.down = True
    log = open_log(flush_seconds=0.05)
    records = [make_record() for _ in range(20)]
    for record in records:
        log.append([record])
        time.sleep(0.01)
    wait_until(lambda: counted("failures_total", step="send") >= 2)
    assert counted("waiting_bytes") > 0
    assert storage.list("") == []

    storage.down = False
    wait_until(lambda: counted("waiting_bytes") == 0)
    assert sorted(read_ids(storage)) == sorted(record.record_id for record in records)
    assert counted("lost_records_total", reason="spool-cap") == 0


def test_pauses_grow_to_a_limit() -> None:
    """Attempts are further and further apart, and never further than the limit."""
    pauses = [pause_seconds(failures) for failures in range(1, 3000)]

    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE_SECONDS


def test_segment_that_fails_does_not_hold_up_the_others(
    spool: Spool, shipper: Shipper, storage: SwitchedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one file alone is refused, the next attempt begins with the others."""
    for version in ("refused", VERSION):
        spool.append(encode_records([make_record(model_version=version)]))
        spool.close_live()
    (storage._root / f"inference-log/model={MODEL}").mkdir(parents=True)
    (storage._root / f"inference-log/model={MODEL}/version=refused").write_text("in the way")

    with pytest.raises(StorageError, match="version=refused"):
        shipper.send_closed()
    assert storage.writes == []
    with pytest.raises(StorageError, match="version=refused"):
        shipper.send_closed()
    assert [parse_key(key).version for key in storage.writes] == [VERSION]
    assert len(spool.closed()) == 1


def test_stuck_store_holds_up_no_request_and_no_stop(
    open_log: Callable[..., InferenceLog], storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """With a store that never answers, appending goes on up to the cap in the memory of one segment, closing ends at its time,
    and all that waits is sent when the store answers.
    """
    storage.free.clear()
    log = open_log(flush_seconds=0.01, segment_bytes=2**14, cap_bytes=2**16)
    # Made before: of the arguments of a call with 20 fields CPython 3.11 keeps 2,000 for later and uses none again.
    records = [make_record() for _ in range(2000)]
    for number, record in enumerate(records):
        if number == 1000:
            tracemalloc.start()
        log.append([record])
    # Another 0.7 MB of records went by; what is kept is the segment that is being sent.
    assert tracemalloc.get_traced_memory()[0] < 2**17
    tracemalloc.stop()
    lost = counted("lost_records_total", reason="spool-cap")
    assert counted("waiting_bytes") <= 2**16
    assert lost > 0

    started = time.monotonic()
    with structlog.testing.capture_logs() as lines:
        log.close(0.2)
    assert time.monotonic() - started < 5
    assert [(line["event"], line["records"]) for line in lines] == [("inference_log_not_sent", 2000 - lost)]

    storage.free.set()
    wait_until(lambda: counted("waiting_bytes") == 0)
    assert len(read_ids(storage)) == 2000 - lost


def test_close_sends_what_waits(open_log: Callable[..., InferenceLog], storage: SwitchedStorage) -> None:
    """Closing sends the live segment at once, however long flush_seconds is, and tries again while there is time."""
    storage.down = True
    log = open_log(flush_seconds=3600)
    log.append([make_record()])
    time.sleep(0.05)
    log._shipper._ending.set()
    time.sleep(0.1)
    storage.down = False
    log.close(10)

    assert len(read_ids(storage)) == 1


def test_thread_survives_what_it_does_not_expect(
    open_log: Callable[..., InferenceLog], storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """An error that no store should raise is counted and logged by type and place without its message; sending goes on."""

    class Broken:
        def wait(self) -> None:
            raise ValueError("Jane Roe")

    free, storage.free = storage.free, Broken()
    log = open_log(flush_seconds=0.01)
    with structlog.testing.capture_logs() as lines:
        log.append([make_record()])
        wait_until(lambda: counted("failures_total", step="thread"))
        storage.free = free
        wait_until(lambda: counted("waiting_bytes") == 0)

    assert lines[0]["type"] == "ValueError"
    assert "Jane" not in repr(lines)
    assert len(read_ids(storage)) == 1


def test_missing_bucket_is_named_and_waited_for(spool: Spool, s3_server: VersityGateway, metrics: LogMetrics) -> None:
    """Without its bucket nothing is sent, nothing is lost, and the error says what to do; with it everything is sent."""
    bucket = open_storage("s3://missing-bucket/here")
    shipper = Shipper(spool, bucket, metrics, flush_seconds=0)
    spool.append(encode_records([make_record()]))

    with pytest.raises(StorageError, match="no such bucket; create it"):
        shipper.send_closed()
    s3_server.make_bucket("missing-bucket")
    shipper.send_closed()

    assert read_window(bucket, MODEL, *WINDOW).num_rows == 1
    assert spool.closed() == []


def test_wrong_key_is_named(
    spool: Spool, s3_server: VersityGateway, metrics: LogMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong secret key nothing is sent or lost, and the error says which setting to correct."""
    s3_server.make_bucket("refusing-bucket")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    spool.append(encode_records([make_record()]))

    with pytest.raises(StorageError, match="AWS_SECRET_ACCESS_KEY"):
        Shipper(spool, open_storage("s3://refusing-bucket"), metrics, flush_seconds=0).send_closed()
    assert len(spool.closed()) == 1


def test_limits_that_do_not_fit_are_refused(open_log: Callable[..., InferenceLog]) -> None:
    """A log whose cap cannot hold two segments is not opened."""
    with pytest.raises(ConfigError, match="two segments"):
        open_log(cap_bytes=100, segment_bytes=100)


def test_sending_imports_no_pandas() -> None:
    """Records become Parquet without pandas, which pyarrow would otherwise import in the middle of somebody's request."""
    script = (
        "import sys\n"
        "from clinical_ner.inference_log.parquet import parse_lines, to_objects\n"
        "from clinical_ner.inference_log.record import encode_records\n"
        "from tests.clinical_ner.inference_log.records import make_record\n"
        "assert list(to_objects(parse_lines(encode_records([make_record()]), 'a test')))\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=True)
