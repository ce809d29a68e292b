"""Servers whose log's bucket is missing, refuses, dies or crawls, and servers that share a spool: nothing answered is lost."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import pytest

from clinical_ner.inference_log.reading import WindowReading, scan_window
from clinical_ner.inference_log.segments import list_segments
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from tests.servers.faulty_proxy import Break, Fault, faulty_proxy
from tests.servers.versitygw import SECRET_KEY, VersityGateway
from tests.serving.logged_requests import SINCE, log_options, metric, request_of
from tests.serving.server_process import ServerProcess, wait_until
from tests.serving.transports import RestJson

pytestmark = pytest.mark.slow

BUCKET = "log-bucket"
URI = f"s3://{BUCKET}/production"
SHORT = ("--inference-log-flush-seconds", "0.1", "--grace-seconds", "2")


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VersityGateway]:
    """An S3 server that the settings name; the test starts it and makes its bucket."""
    server = VersityGateway(tmp_path / "s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.kill()


@pytest.fixture
def open_server(model_folder: Path, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers on one spool that log to the bucket, and returns them ready."""
    servers: list[ServerProcess] = []

    def open_one(*options: str) -> ServerProcess:
        log = tmp_path / f"log-{len(servers)}"
        everything = (*log_options(tmp_path), "--inference-log-uri", URI, *SHORT, *options)
        servers.append(ServerProcess(model_folder, log, *everything))
        return servers[-1].wait_ready()

    yield open_one
    for server in servers:
        server.__exit__(None, None, None)


def answer(server: ServerProcess, count: int) -> list[str]:
    """The record ids of so many notes, which were all answered."""
    call, record_ids = RestJson(server), []
    for _ in range(count):
        reply = call.infer(request_of(["Her asthma is treated with metformin."]))
        assert reply.status == 200
        record_ids += [each.decode() for each in reply.outputs["record_id"]]
    return record_ids


def stop(server: ServerProcess) -> None:
    server.terminate()
    assert server.wait() == 0


def check_log(answered: list[str], spool: Path) -> WindowReading:
    """Every answered record is in the bucket, none twice, and the spool is empty."""
    reading = scan_window(open_storage(URI), "clinical-ner", SINCE, SINCE + timedelta(days=100_000))
    assert sorted(reading.table["record_id"].to_pylist()) == sorted(answered)
    assert reading.rejected == ()
    assert list_segments(spool) == []
    return reading


def test_bucket_that_is_down_all_the_time(
    open_server: Callable[..., ServerProcess], gateway: VersityGateway, tmp_path: Path, tagger: Tagger
) -> None:
    """With nobody at the bucket's address from start to end all is answered, failures are counted, SIGTERM ends in the grace
    period and says what is left; the next server sends it.
    """
    server = open_server()
    answered = answer(server, 30)
    wait_until(lambda: metric(server, "failures_total", tagger, step="send") > 0)
    assert metric(server, "records_total", tagger) == 30
    assert metric(server, "waiting_bytes", tagger) > 0
    started = time.monotonic()
    stop(server)
    assert time.monotonic() - started < 15
    assert '"records":30' in next(line for line in server.log.splitlines() if "inference_log_not_sent" in line)

    gateway.start()
    gateway.make_bucket(BUCKET)
    stop(open_server())
    check_log(answered, tmp_path / "spool")


def test_bucket_that_is_made_late(
    open_server: Callable[..., ServerProcess], gateway: VersityGateway, tmp_path: Path, tagger: Tagger
) -> None:
    """While its bucket is missing a server answers and says what to do; once it is made the same server sends everything."""
    gateway.start()
    server = open_server()
    answered = answer(server, 5)
    wait_until(lambda: "no such bucket; create it" in server.log)

    gateway.make_bucket(BUCKET)
    wait_until(lambda: metric(server, "waiting_bytes", tagger) == 0)
    check_log(answered, tmp_path / "spool")
    assert metric(server, "sent_records_total", tagger) == 5


def test_wrong_key_holds_up_no_request(
    open_server: Callable[..., ServerProcess], gateway: VersityGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong key all is answered, the log names the setting and not its value; a server with the right one sends."""
    gateway.start()
    gateway.make_bucket(BUCKET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    server = open_server()
    answered = answer(server, 5)
    wait_until(lambda: "AWS_SECRET_ACCESS_KEY" in server.log)
    stop(server)
    assert "wrong" * 8 not in server.log

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    stop(open_server())
    check_log(answered, tmp_path / "spool")


def test_server_killed_in_the_middle_of_an_upload(
    open_server: Callable[..., ServerProcess], gateway: VersityGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed when a slow bucket has the beginning of its file answered at its usual speed until then, and the
    next one sends the file again: each record is there once.
    """
    gateway.start()
    gateway.make_bucket(BUCKET)
    with faulty_proxy(int(gateway.endpoint.rpartition(":")[2])) as proxy:
        proxy.faults.append(Fault("PUT", Break.NOTHING, times=1000, bytes_per_second=10_000))
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        server = open_server()
        names = {name: [token_urlsafe(192) for _ in range(256)] for name in ("site", "specialty", "note_id")}
        large = RestJson(server).infer(request_of(["asthma"] * 256, **names))
        wait_until(lambda: "PUT" in proxy.requests)
        started = time.monotonic()
        answered = [*answer(server, 50), *(each.decode() for each in large.outputs["record_id"])]
        assert time.monotonic() - started < 5, "the file of 150,000 bytes takes 15 s"
        server._process.kill()
        server.wait()
        monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.endpoint)
        assert open_storage(URI).list("") == []
        assert len(list_segments(tmp_path / "spool")) == 2

    stop(open_server())
    check_log(answered, tmp_path / "spool")


def test_upload_whose_replies_are_lost_is_no_duplicate(
    open_server: Callable[..., ServerProcess],
    gateway: VersityGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tagger: Tagger,
) -> None:
    """A file that was taken while every reply got lost is sent again under its own name: it overwrites itself."""
    gateway.start()
    gateway.make_bucket(BUCKET)
    with faulty_proxy(int(gateway.endpoint.rpartition(":")[2])) as proxy:
        proxy.faults.append(Fault("PUT", Break.LOSE_REPLY, times=4))
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        server = open_server()
        answered = answer(server, 5)
        wait_until(lambda: metric(server, "waiting_bytes", tagger) == 0)
        assert metric(server, "failures_total", tagger, step="send") > 0
        stop(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.endpoint)
    assert proxy.requests.count("PUT") > 4
    assert check_log(answered, tmp_path / "spool").duplicates == 0


def test_server_sends_what_its_killed_neighbour_left(
    open_server: Callable[..., ServerProcess], gateway: VersityGateway, tmp_path: Path
) -> None:
    """Of two servers on one spool folder each sends its own records, and the living one those of the killed one."""
    gateway.start()
    gateway.make_bucket(BUCKET)
    first, second = open_server("--inference-log-flush-seconds", "3600"), open_server()
    answered = [each for _ in range(5) for server in (first, second) for each in answer(server, 3)]
    first._process.kill()
    first.wait()
    wait_until(lambda: list_segments(tmp_path / "spool") == [])
    stop(second)
    check_log(answered, tmp_path / "spool")
