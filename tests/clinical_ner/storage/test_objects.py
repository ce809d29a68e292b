"""One object by its own URI."""

import pytest

from clinical_ner.errors import ConfigError, NotFound
from clinical_ner.storage import open_storage
from clinical_ner.storage.objects import read_object, split_uri


@pytest.mark.parametrize(
    ("uri", "folder", "key"),
    [
        ("best.json", ".", "best.json"),
        ("runs/best.json", "runs", "best.json"),
        ("/best.json", "/", "best.json"),
        ("/srv/best.json", "/srv", "best.json"),
        ("file:///best.json", "file:///", "best.json"),
        ("file:///srv/a%2Bb.json", "file:///srv", "a+b.json"),
        ("s3://bucket/best.json", "s3://bucket", "best.json"),
        ("s3://bucket/runs/a%2Bb.json", "s3://bucket/runs", "a%2Bb.json"),
    ],
)
def test_uri_is_a_store_and_a_key(uri, folder, key):
    """An object at the root of the disk is looked for there, not where the process runs."""
    assert split_uri(uri) == (folder, key)


@pytest.mark.parametrize("name", ["x.json", "best+1=b@2.json"])
@pytest.mark.parametrize("as_uri", [True, False])
def test_object_is_read_by_path_or_uri(tmp_path, name, as_uri):
    """Both name the same file."""
    (tmp_path / name).write_bytes(b"{}")
    assert read_object((tmp_path / name).as_uri() if as_uri else str(tmp_path / name)) == b"{}"


def test_object_at_the_root_is_not_taken_from_here(tmp_path, monkeypatch):
    """A file of that name in the working folder is another one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-such-object.json").write_bytes(b"{}")
    with pytest.raises(NotFound):
        read_object("/no-such-object.json")


def test_object_is_read_from_a_bucket(s3_uri):
    """As from a folder."""
    open_storage(s3_uri).write("a/b.json", b"{}")
    assert read_object(f"{s3_uri}/a/b.json") == b"{}"


@pytest.mark.parametrize("uri", ["s3://x.json", "ftp://host/x.json"])
def test_uri_without_a_store_is_refused(uri):
    """No bucket, and no scheme that is known."""
    with pytest.raises(ConfigError):
        read_object(uri)
