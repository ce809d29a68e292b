"""Writers killed under load while the store goes up and down: what was answered is in the log, once."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.inference_log.segments import list_segments
from clinical_ner.storage import open_storage
from tests.clinical_ner.inference_log.records import MODEL, VERSION, WINDOW
from tests.servers.versitygw import VersityGateway

ROOT = Path(__file__).parents[3]
KILLS = 50


def kill_writers(spool: Path, uri: str, answers: Path, kills: int) -> Iterator[int]:
    """The number of each kill, just after it."""
    command = [sys.executable, "-m", "tests.clinical_ner.inference_log.killed_writer", spool, uri, answers, str(kills)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield from (number for number, line in enumerate(process.stdout) if line == "killed\n")
    assert process.returncode == 0


def check(spool: Path, uri: str, answers: Path, kills: int) -> None:
    """Let one more server find what the dead left, then compare what was answered with what is read."""
    storage = open_storage(uri)
    metrics = LogMetrics(registry := CollectorRegistry(), VERSION)
    InferenceLog(spool, storage, LogLimits(), metrics, required=True).close(60)
    reading = scan_window(storage, MODEL, *WINDOW)
    logged = reading.table["record_id"].to_pylist()
    answered = answers.read_text().split()

    assert len(answered) > 10 * kills
    assert set(answered) - set(logged) == set()
    assert len(set(logged)) == len(logged)
    # A writer killed between its log and its answer leaves the records of one request.
    assert len(logged) - len(answered) <= 3 * kills
    assert reading.rejected == ()
    assert list_segments(spool) == []
    assert registry.get_sample_value("clinical_ner_log_sent_records_total", {"model_version": VERSION}) > 0


def test_killed_writers_lose_no_answered_record(tmp_path: Path, spool_folder: Path) -> None:
    """Of 50 writers killed while their folder store comes and goes, no answered record is lost or read twice."""
    store, answers = tmp_path / "store", tmp_path / "answers"
    store.mkdir()
    for number in kill_writers(spool_folder, store.as_uri(), answers, KILLS):
        if number % 10 == 3:
            store.rename(tmp_path / "away")
            store.write_text("in the way: nothing can be written below it")
        if number % 10 == 7:
            store.unlink()
            (tmp_path / "away").rename(store)

    check(spool_folder, store.as_uri(), answers, KILLS)


def test_killed_writers_and_killed_bucket_lose_no_answered_record(
    tmp_path: Path, spool_folder: Path, own_gateway: Callable[[], VersityGateway]
) -> None:
    """The same with a real S3 server that is itself killed and started again, in the middle of uploads."""
    gateway, answers, uri = own_gateway(), tmp_path / "answers", "s3://log-bucket/production"
    gateway.start()
    gateway.make_bucket("log-bucket")
    for number in kill_writers(spool_folder, uri, answers, KILLS):
        if number % 6 == 2:
            gateway.kill()
        if number % 6 == 4:
            gateway.start()
    gateway.kill()
    gateway.start()

    check(spool_folder, uri, answers, KILLS)


@pytest.fixture
def own_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], VersityGateway]]:
    """Makes an S3 server that a test may kill, which the settings name."""
    gateways: list[VersityGateway] = []

    def make() -> VersityGateway:
        gateways.append(VersityGateway(tmp_path / "s3"))
        for name, value in gateways[-1].environment.items():
            monkeypatch.setenv(name, value)
        return gateways[-1]

    yield make
    for gateway in gateways:
        gateway.kill()
