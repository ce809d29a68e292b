"""What only S3 has: buckets, prefixes, credentials, settings."""

import traceback

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage
from tests.clinical_ner.storage.s3_calls import CALLS, assert_fails
from tests.servers.versitygw import ACCESS_KEY, SECRET_KEY, VersityGateway

MEGABYTE = 1024 * 1024


@pytest.fixture
def storage(s3_uri):
    return open_storage(s3_uri)


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
