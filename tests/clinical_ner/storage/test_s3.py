import threading
import time
import traceback
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, NotFound, StorageError
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage, s3_connection
from tests.servers.faulty_proxy import Break, Fault, faulty_proxy
from tests.servers.versitygw import ACCESS_KEY, SECRET_KEY, VersityGateway, free_port

MEGABYTE = 1024 * 1024
NOTE = b"Zebulon Quartermain has gout."
CALLS = {
    "read": lambda storage: storage.read("a/b"),
    "read_versioned": lambda storage: storage.read_versioned("a/b"),
    "create": lambda storage: storage.create("a/b", NOTE),
    "write": lambda storage: storage.write("a/b", NOTE),
    "replace": lambda storage: storage.replace("a/b", NOTE, '"etag"'),
    "delete": lambda storage: storage.delete("a/b"),
    "exists": lambda storage: storage.exists("a/b"),
    "list": lambda storage: storage.list("a/b"),
}


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
def own_gateway(tmp_path, monkeypatch):
    """A server that a test may kill, with a bucket named ``bucket``."""
    gateway = VersityGateway(tmp_path / "s3")
    gateway.start()
    gateway.make_bucket("bucket")
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    yield gateway
    gateway.kill()


def assert_fails(call, *words, forbidden=()):
    """The call ends in a plain StorageError with all ``words``; no part of its traceback holds a credential."""
    with pytest.raises(StorageError) as caught:
        call()
    assert type(caught.value) is StorageError
    for word in words:
        assert word in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in (SECRET_KEY, NOTE.decode(), *forbidden) if secret in told]


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
def test_write_survives_two_failures(proxy, behind_proxy, what):
    """What passes in a moment is not reported."""
    proxy.faults.append(Fault("PUT", what, times=2))
    behind_proxy.write("a", b"x")
    assert behind_proxy.read("a") == b"x"


@pytest.mark.parametrize("what", [Break.LOSE_REQUEST, Break.CUT_REPLY, Break.UNAVAILABLE])
def test_read_survives_two_failures(proxy, storage, behind_proxy, what):
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
def test_failure_that_stays_is_reported(proxy, storage, behind_proxy, method, call, what):
    """The caller is told by key and server, after a few attempts, and without a word of notes."""
    storage.write("a/b", NOTE)
    proxy.faults.append(Fault(method, what, times=1000))
    host = proxy.endpoint.removeprefix("http://")
    assert_fails(lambda: CALLS[call](behind_proxy), "a/b", host, forbidden=[ACCESS_KEY])
    assert 1 <= proxy.requests.count(method) <= 6


@pytest.mark.parametrize("call", ["write", "read"])
def test_stuck_server_is_not_waited_for_without_end(proxy, s3_uri, behind_proxy, monkeypatch, call):
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


def test_object_of_the_largest_models_size_comes_back(storage):
    """100 MB, a model's limit, pass in one request, and a swap of them too."""
    data = bytes(range(256)) * (100 * MEGABYTE // 256)
    storage.create("model.bin", data)
    found, etag = storage.read_versioned("model.bin")
    assert found == data
    storage.replace("model.bin", b"", etag)
    assert storage.read("model.bin") == b""


def test_list_goes_on_after_a_thousand(storage, s3_uri, s3_server):
    """A server lists a thousand objects at a time; all are listed."""
    storage.write("many/first", b"")
    folder = s3_server.objects / s3_uri.removeprefix("s3://") / "many"
    for number in range(2100):
        (folder / f"{number:05}").write_bytes(b"")
    assert storage.list("many/") == [f"many/{number:05}" for number in range(2100)] + ["many/first"]
    assert storage.list("many/020") == [f"many/{number:05}" for number in range(2000, 2100)]


def test_every_character_of_keys_survives(storage):
    """What a key may hold is stored, listed and read under that very key, whatever URLs do with it."""
    keys = sorted(["a+b=c@d/e-f_g.h", "model=m/version=v1/date=2030-01-02/x.parquet", "A/+", "A/%".replace("%", "=")])
    for key in keys:
        storage.create(key, key.encode())
    assert storage.list("") == keys
    assert [storage.read(key).decode() for key in keys] == keys


def test_stores_of_one_bucket_are_apart(storage, s3_uri):
    """A store sees nothing beside its prefix, not even under a longer one with the same beginning."""
    bucket = s3_uri.split("/")[2]
    others = [open_storage(f"s3://{bucket}"), open_storage(f"s3://{bucket}/a/registry2")]
    storage.write("x", b"mine")
    others[1].write("x", b"theirs")
    assert storage.list("") == others[1].list("") == ["x"]
    assert others[0].list("") == ["a/registry/x", "a/registry2/x"]
    assert open_storage(f"{s3_uri}/").read("x") == b"mine"


@pytest.mark.parametrize("call", CALLS)
def test_missing_bucket_is_no_missing_object(s3_server, call):
    """A bucket that is not there is an error for every method, and the message says what to do."""
    storage = open_storage("s3://no-such-bucket/registry")
    host = s3_server.endpoint.removeprefix("http://")
    assert_fails(lambda: CALLS[call](storage), "a/b", "'no-such-bucket'", host, "create it")


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("AWS_ACCESS_KEY_ID", "other-access-key", "AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "other-secret-key", "AWS_SECRET_ACCESS_KEY"),
    ],
)
@pytest.mark.parametrize("call", ["read", "create", "replace", "list", "delete", "exists"])
def test_wrong_credentials_are_named_not_shown(s3_uri, monkeypatch, caplog, call, variable, value, advice):
    """The message says which variable to correct; no value of one is in it, in its causes or in the log."""
    monkeypatch.setenv(variable, value)
    with caplog.at_level("DEBUG"):
        assert_fails(lambda: CALLS[call](open_storage(s3_uri)), "a/b", advice, forbidden=[value, ACCESS_KEY])
    assert not [secret for secret in (value, ACCESS_KEY, SECRET_KEY) if secret in caplog.text]


@pytest.mark.parametrize("call", CALLS)
def test_server_that_is_down_is_reported_within_seconds(s3_uri, monkeypatch, caplog, call):
    """Nobody listening is an error that names the address, and no log line holds a credential."""
    host = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")
    start = time.monotonic()
    with caplog.at_level("DEBUG"):
        assert_fails(
            lambda: CALLS[call](open_storage(s3_uri)), "a/b", host, "check that the server runs", forbidden=[ACCESS_KEY]
        )
    assert time.monotonic() - start < 10
    assert not [secret for secret in (ACCESS_KEY, SECRET_KEY) if secret in caplog.text]


def test_address_of_another_server_is_reported(s3_uri, monkeypatch, web_server):
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


def test_server_of_an_own_authority_is_trusted_only_when_told(tmp_path, monkeypatch):
    """TLS is verified: an unknown authority is an error that says how to trust it, and then all calls work."""
    gateway = VersityGateway(tmp_path / "s3", tls=True)
    gateway.start()
    gateway.make_bucket("bucket")
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    try:
        for call in ("read", "create"):
            assert_fails(lambda call=call: CALLS[call](open_storage("s3://bucket/x")), "CLINICAL_NER_S3_CA_FILE")
        monkeypatch.setenv("CLINICAL_NER_S3_CA_FILE", str(gateway.certificate))
        storage = open_storage("s3://bucket/x")
        storage.create("a", b"x")
        assert storage.list("") == ["a"]
        assert storage.read("a") == b"x"
    finally:
        gateway.kill()
    monkeypatch.setenv("CLINICAL_NER_S3_CA_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        open_storage("s3://bucket/x")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://",
        "s3:///key",
        "s3://ab/x",
        "s3://UPPER/x",
        "s3://a_b/x",
        "s3://key:s3cret@bucket/x",
        "s3://bucket?x",
        "s3://1.2.3.4",
    ],
)
def test_impossible_bucket_is_refused(s3_server, uri):
    """The rule is told, and nothing of what could be a credential."""
    with pytest.raises(ConfigError, match="3 to 63 characters") as caught:
        open_storage(uri)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("prefix", ["a//b", "/a", "a b", "../a", ".a", "a?x", "%61"])
def test_impossible_prefix_is_refused(s3_server, prefix):
    """A prefix is a key by the same rules."""
    with pytest.raises(ConfigError, match="not a key"):
        open_storage(f"s3://bucket/{prefix}")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"])
def test_missing_setting_is_named(s3_server, monkeypatch, name):
    """Without address or credentials nothing is tried."""
    monkeypatch.delenv(name)
    monkeypatch.delenv("CLINICAL_NER_S3_ENDPOINT", raising=False)
    with pytest.raises(ConfigError, match=name):
        open_storage("s3://bucket/x")


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://host", "http://", "http://u:s3cret@host", "https://host/path"])
def test_malformed_endpoint_is_refused(s3_server, monkeypatch, endpoint):
    """The message shows what is expected instead of what might hold a credential."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(ConfigError, match=r"https://s3\.example\.org") as caught:
        open_storage("s3://bucket/x")
    assert "s3cret" not in str(caught.value)


def test_own_variables_win_over_shared_ones(monkeypatch):
    """CLINICAL_NER_* go before the AWS names, and no credential shows when settings are printed."""
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "shared")
    assert (Settings().s3_endpoint, Settings().s3_region) == ("shared", "shared")
    monkeypatch.setenv("CLINICAL_NER_S3_ENDPOINT", "own")
    monkeypatch.setenv("CLINICAL_NER_S3_REGION", "own")
    assert (Settings().s3_endpoint, Settings().s3_region) == ("own", "own")
    assert Settings().s3_secret_key.get_secret_value() == "shared"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    assert "s3cret" not in repr(Settings())
