"""What the shipper finds in a spool after kills, damage, other schemas and clocks that go back: nothing readable is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from clinical_ner.inference_log import segments
from clinical_ner.inference_log.frames import encode_frame
from clinical_ner.inference_log.layout import QUARANTINE, parse_key
from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.reading import read_window, scan_window
from clinical_ner.inference_log.record import encode_records
from clinical_ner.inference_log.segments import list_segments
from clinical_ner.inference_log.shipping import Shipper
from clinical_ner.inference_log.spool import Spool
from tests.clinical_ner.inference_log.records import MODEL, NOON, WINDOW, SwitchedStorage, make_record
from tests.clinical_ner.inference_log.shipped import read_ids, wait_until


def test_torn_record_is_left_out(
    spool: Spool, shipper: Shipper, storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """A last frame without its end is no loss, since its request was not answered; the frames before it are sent."""
    spool.append(encode_records([make_record()]))
    spool.close_live()
    (segment,) = spool.closed()
    with segment.path.open("ab") as file:
        file.write(encode_frame(encode_records([make_record()]))[:-1])

    shipper.send_closed()

    assert len(read_ids(storage)) == 1
    assert storage.list(QUARANTINE) == []
    assert counted("lost_records_total", reason="damaged") == 0


def test_restart_finds_a_torn_live_segment(
    open_log: Callable[..., InferenceLog], spool_folder: Path, storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """What a server left that died within a write is sent by the next one's start, its torn last record left out."""
    record = make_record()
    spool_folder.mkdir()
    whole, torn = (encode_frame(encode_records([each])) for each in (record, make_record()))
    (spool_folder / f"{10**18:020d}-ab.live").write_bytes(whole + torn[:-100])

    open_log(flush_seconds=3600)
    wait_until(lambda: counted("waiting_bytes") == 0)

    assert read_ids(storage) == [record.record_id]
    assert list_segments(spool_folder) == []
    assert storage.list(QUARANTINE) == []


def test_clock_that_goes_back_loses_nothing(
    spool: Spool, shipper: Shipper, storage: SwitchedStorage, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of before and after a clock went back two days are all sent, each to the hour of its own time."""
    records = [make_record(NOON), make_record(NOON - timedelta(days=2)), make_record(NOON + timedelta(seconds=1))]
    for record in records:
        nanoseconds = int(record.time.timestamp() * 1e9)
        monkeypatch.setattr(segments.time, "time_ns", lambda nanoseconds=nanoseconds: nanoseconds)
        spool.append(encode_records([record]))
        spool.close_live()

    shipper.send_closed()

    window = (NOON - timedelta(days=3), NOON + timedelta(days=1))
    assert len(read_window(storage, MODEL, *window)) == 3
    assert sorted({str(parse_key(key).hour) for key in storage.writes}) == [
        "2026-02-27 12:00:00+00:00",
        "2026-03-01 12:00:00+00:00",
    ]
    assert list_segments(spool_folder) == []


def test_damaged_segment_is_set_aside(
    spool: Spool, shipper: Shipper, storage: SwitchedStorage, counted: Callable[..., float]
) -> None:
    """Of a spool file with a damaged frame the whole ones are sent, the loss is counted, and the file is kept as it is."""
    for _ in range(3):
        spool.append(encode_records([make_record(), make_record()]))
    spool.close_live()
    (segment,) = spool.closed()
    data = segment.path.read_bytes().replace(b'"north"', b'"nortH"', 1)
    segment.path.write_bytes(data)

    shipper.send_closed()

    assert len(read_ids(storage)) == 4
    assert counted("lost_records_total", reason="damaged") == 2
    (key,) = storage.list(QUARANTINE)
    assert storage.read(key) == data
    assert spool.closed() == []


def test_spool_of_the_previous_schema_is_sent(spool: Spool, shipper: Shipper, storage: SwitchedStorage) -> None:
    """Records of schema version 1 that a server of the previous release left are sent in the present schema."""
    line = encode_records([make_record()])
    for new, old in {b'"schema_version":2': b'"schema_version":1', b'"unknown_hashes":["0123456789abcdef"],': b""}.items():
        assert new in line
        line = line.replace(new, old)
    spool.append(line)
    spool.close_live()

    shipper.send_closed()

    (row,) = read_window(storage, MODEL, *WINDOW).to_pylist()
    assert (row["schema_version"], row["unknown_hashes"], row["site"]) == (2, [], "north")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schema_version":2', b'"schema_version":3'),
        (b'"schema_version":2,', b""),
        (b'"site":', b'"place":'),
        (b'"note_bytes":120', b'"note_bytes":"120"'),
        (b'"status":"ok"', b'"status":"ok","more":1'),
        (b"{", b"["),
    ],
    ids=["newer", "no version", "renamed", "wrong type", "more", "not JSON"],
)
def test_spool_of_another_schema_is_set_aside(
    spool: Spool, shipper: Shipper, storage: SwitchedStorage, counted: Callable[..., float], old: bytes, new: bytes
) -> None:
    """A spool file that this release cannot read goes to the quarantine as it is; those behind it are sent."""
    spool.append(encode_records([make_record()]).replace(old, new, 1))
    spool.close_live()
    (segment,) = spool.closed()
    data = segment.path.read_bytes()
    spool.append(encode_records([make_record()]))

    shipper.send_closed()

    (key,) = storage.list(QUARANTINE)
    assert storage.read(key) == data
    assert key.endswith(".spool")
    assert len(read_ids(storage)) == 1
    assert counted("failures_total", step="convert") == 1


def test_two_servers_on_one_folder_send_everything_once(
    spool_folder: Path, storage: SwitchedStorage, metrics: LogMetrics
) -> None:
    """Two logs on one spool folder, both sending, end with every record in the store once and an empty folder."""
    limits = LogLimits(segment_bytes=4096, cap_bytes=2**24, flush_seconds=0.01)
    logs = [InferenceLog(spool_folder, storage, limits, metrics, required=True) for _ in range(2)]
    records = [make_record() for _ in range(400)]
    for number, record in enumerate(records):
        logs[number % 2].append([record])
    for log in logs:
        log.close(30)

    reading = scan_window(storage, MODEL, *WINDOW)
    assert sorted(reading.table["record_id"].to_pylist()) == sorted(record.record_id for record in records)
    assert list_segments(spool_folder) == []
