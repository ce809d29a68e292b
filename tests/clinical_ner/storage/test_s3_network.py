"""S3 behind a network that breaks, and servers that are stuck, down, killed or others."""

import threading
import time
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from clinical_ner.errors import AlreadyExists, Conflict, NotFound, StorageError
from clinical_ner.storage import open_storage, s3, s3_connection
from tests.clinical_ner.storage.s3_calls import CALLS, NOTE, assert_fails
from tests.servers.faulty_proxy import Break, Fault, faulty_proxy
from tests.servers.versitygw import ACCESS_KEY, SECRET_KEY, VersityGateway, free_port

MEGABYTE = 1024 * 1024


@pytest.fixture
def storage(s3_uri):
    return open_storage(s3_uri)


@pytest.fixture
def proxy(s3_server):
    with faulty_proxy(int(s3_server.endpoint.rpartition(":")[2])) as running:
        yield running


@pytest.fixture
def behind_proxy(proxy, s3_uri, monkeypatch):
    """The store of ``storage``, reached through the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return open_storage(s3_uri)


@pytest.fixture
def short_pauses(monkeypatch):
    """As many attempts as ever, one right after the other: how long the pauses are, other tests show."""
    monkeypatch.setattr(s3, "_PAUSES_SECONDS", tuple(0.01 for _ in s3._PAUSES_SECONDS))
    monkeypatch.setattr(s3_connection, "_READ_RETRIES", s3_connection._READ_RETRIES.new(backoff_factor=0.01))


@pytest.fixture
def own_gateway(tmp_path, monkeypatch):
    """A server that a test may kill, with a bucket named ``bucket``."""
    gateway = VersityGateway(tmp_path / "s3")
    gateway.start()
    gateway.make_bucket("bucket")
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    yield gateway
    gateway.kill()


def test_create_whose_reply_is_lost_is_done_once(proxy, storage, behind_proxy):
    """A writer that gets no reply asks again, and knows its own object by its number."""
    proxy.faults.append(Fault("PUT", Break.LOSE_REPLY))
    behind_proxy.create("a", b"mine")
    assert proxy.requests == ["PUT", "PUT", "HEAD"]
    assert storage.read("a") == b"mine"


def test_create_that_another_won_meanwhile_fails(proxy, storage, behind_proxy):
    """A lost request is not mistaken for one that was carried out, not even when the winner wrote the very same bytes."""
    proxy.faults.append(Fault("PUT", Break.LOSE_REQUEST, meanwhile=lambda: storage.create("a", b"same")))
    with pytest.raises(AlreadyExists):
        behind_proxy.create("a", b"same")


def test_replace_whose_reply_is_lost_is_done_once(proxy, storage, behind_proxy):
    """A swap that was carried out succeeds although its repetition meets another etag, its own."""
    storage.create("a", b"first")
    etag = storage.read_versioned("a")[1]
    proxy.faults.append(Fault("PUT", Break.LOSE_REPLY))
    behind_proxy.replace("a", b"mine", etag)
    with pytest.raises(Conflict):
        behind_proxy.replace("a", b"again", etag)
    assert storage.read("a") == b"mine"


def test_replace_that_another_won_meanwhile_conflicts(proxy, storage, behind_proxy):
    """A lost request is repeated under its condition only."""
    storage.create("a", b"first")
    etag = storage.read_versioned("a")[1]
    proxy.faults.append(Fault("PUT", Break.LOSE_REQUEST, meanwhile=lambda: storage.replace("a", b"theirs", etag)))
    with pytest.raises(Conflict):
        behind_proxy.replace("a", b"mine", etag)
    assert storage.read("a") == b"theirs"


@pytest.mark.parametrize("what", [Break.LOSE_REQUEST, Break.LOSE_REPLY, Break.UNAVAILABLE])
def test_write_survives_two_failures(short_pauses, proxy, behind_proxy, what):
    """What passes in a moment is not reported."""
    proxy.faults.append(Fault("PUT", what, times=2))
    behind_proxy.write("a", b"x")
    assert behind_proxy.read("a") == b"x"


@pytest.mark.parametrize("what", [Break.LOSE_REQUEST, Break.CUT_REPLY, Break.UNAVAILABLE])
def test_read_survives_two_failures(short_pauses, proxy, storage, behind_proxy, what):
    """A reply that breaks off, in its body too, is asked for again and comes whole."""
    storage.write("a", b"x" * MEGABYTE)
    proxy.faults.append(Fault("GET", what, times=2))
    assert behind_proxy.read("a") == b"x" * MEGABYTE


@pytest.mark.parametrize(
    ("method", "call", "what"),
    [
        ("PUT", "write", Break.LOSE_REQUEST),
        ("PUT", "create", Break.LOSE_REPLY),
        ("PUT", "replace", Break.UNAVAILABLE),
        ("GET", "read", Break.CUT_REPLY),
        ("GET", "read", Break.UNAVAILABLE),
        ("GET", "list", Break.CUT_REPLY),
        ("GET", "list", Break.LOSE_REPLY),
        ("HEAD", "exists", Break.LOSE_REPLY),
        ("DELETE", "delete", Break.LOSE_REPLY),
    ],
)
def test_failure_that_stays_is_reported(short_pauses, proxy, storage, behind_proxy, method, call, what):
    """The caller is told by key and server, after a few attempts, and without a word of notes."""
    storage.write("a/b", NOTE)
    proxy.faults.append(Fault(method, what, times=1000))
    host = proxy.endpoint.removeprefix("http://")
    assert_fails(lambda: CALLS[call](behind_proxy), "a/b", host, forbidden=[ACCESS_KEY])
    assert 1 <= proxy.requests.count(method) <= 6


@pytest.mark.parametrize("call", ["write", "read"])
def test_stuck_server_is_not_waited_for_without_end(short_pauses, proxy, s3_uri, behind_proxy, monkeypatch, call):
    """A server that takes requests and answers none is given up."""
    monkeypatch.setattr(s3_connection, "READ_SECONDS", 0.2)
    storage = open_storage(s3_uri)
    proxy.faults.extend(Fault(method, Break.STALL, times=1000) for method in ("PUT", "GET"))
    start = time.monotonic()
    assert_fails(lambda: CALLS[call](storage), "no answer came in time")
    assert time.monotonic() - start < 20


def test_long_upload_may_take_longer_than_a_connection(proxy, s3_uri, behind_proxy, monkeypatch):
    """The limit on connecting does not limit an upload that goes on."""
    monkeypatch.setattr(s3_connection, "CONNECT_SECONDS", 0.5)
    storage = open_storage(s3_uri)
    proxy.faults.append(Fault("PUT", Break.NOTHING, bytes_per_second=8 * MEGABYTE))
    start = time.monotonic()
    storage.create("a", b"x" * (16 * MEGABYTE))
    assert time.monotonic() - start > 1
    assert proxy.requests == ["PUT"]


@pytest.mark.parametrize("call", ["write", "read", "list"])
def test_server_that_is_down_is_reported_within_seconds(s3_uri, monkeypatch, call):
    """Nobody listening is told after all attempts, with their pauses."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    start = time.monotonic()
    assert_fails(lambda: CALLS[call](open_storage(s3_uri)), "check that the server runs")
    assert 0.5 < time.monotonic() - start < 10


@pytest.mark.parametrize("call", CALLS)
def test_server_that_is_down_is_named(short_pauses, s3_uri, monkeypatch, caplog, call):
    """Nobody listening is an error that names the address, and no log line holds a credential."""
    host = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")
    with caplog.at_level("DEBUG"):
        assert_fails(
            lambda: CALLS[call](open_storage(s3_uri)), "a/b", host, "check that the server runs", forbidden=[ACCESS_KEY]
        )
    assert not [secret for secret in (ACCESS_KEY, SECRET_KEY) if secret in caplog.text]


def test_address_of_another_server_is_reported(short_pauses, s3_uri, monkeypatch, web_server):
    """What answers, but not as S3 does, is an endpoint to check."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", web_server)
    assert_fails(lambda: open_storage(s3_uri).read("a"), "check the endpoint")
    assert_fails(lambda: open_storage(s3_uri).create("a", b"x"), "HTTP status 501")


@pytest.fixture
def web_server():
    """Any web server: one that answers in HTML."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("writes_before_kill", [1, 3, 7])
def test_killed_server_leaves_only_whole_objects(own_gateway, writes_before_kill):
    """After a server's sudden end all acknowledged objects are there, and none of which half was sent."""
    storage = open_storage("s3://bucket/registry")
    acknowledged = []
    killer = threading.Event()

    def write_until_it_fails():
        for number in range(1000):
            try:
                storage.create(f"objects/{number:03}", b"%d" % (number % 10) * (8 * MEGABYTE))
            except StorageError:
                return
            acknowledged.append(f"objects/{number:03}")
            if number + 1 == writes_before_kill:
                killer.set()

    writer = threading.Thread(target=write_until_it_fails)
    writer.start()
    assert killer.wait(60)
    time.sleep(0.01)
    own_gateway.kill()
    writer.join()
    own_gateway.start()
    found = open_storage("s3://bucket/registry").list("")
    assert set(acknowledged) <= set(found)
    for key in found:
        data = storage.read(key)
        assert data == data[:1] * (8 * MEGABYTE), f"{key}: {len(data)} bytes"


def test_server_that_restarts_is_found_again(own_gateway):
    """A store outlives its server, and a short absence is not even seen by a reader."""
    storage = open_storage("s3://bucket/registry")
    storage.write("a", b"x")
    own_gateway.kill()
    restart = threading.Timer(0.3, own_gateway.start)
    restart.start()
    assert storage.read("a") == b"x"
    restart.join()
    with pytest.raises(NotFound):
        storage.read("b")
