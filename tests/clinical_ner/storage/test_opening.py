import subprocess
import sys
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.storage import open_storage, path_of


def test_path_and_uri_open_the_same_store(tmp_path, monkeypatch):
    """A plain path, a relative one and a file URI mean one folder, also with characters that URIs escape."""
    folder = tmp_path / "a registry #1"
    open_storage(str(folder)).write("key", b"x")
    monkeypatch.chdir(tmp_path)
    for uri in (
        folder.as_uri(),
        folder.as_uri() + "/",
        "a registry #1",
        folder.as_uri().replace("file://", "file://localhost"),
    ):
        assert open_storage(uri).read("key") == b"x"


def test_relative_path_does_not_follow_the_working_folder(tmp_path, monkeypatch):
    """A store stays where it was opened."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    storage = open_storage("registry")
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.write("key", b"x")
    assert (tmp_path / "registry" / "key").is_file()


@pytest.mark.parametrize("uri", ["gs://bucket/x", "http://host/x", "://x"])
def test_unknown_scheme_names_the_known_ones(uri):
    """The message says what would be accepted."""
    with pytest.raises(ConfigError, match="file"):
        open_storage(uri)


@pytest.mark.parametrize("uri", ["", "file:relative", "file:///a?b", "file:///a#b", "file://host/share", "file://"])
def test_malformed_uri_is_refused(uri):
    """A URI that names no absolute path is not guessed at."""
    with pytest.raises(ConfigError, match="file:///an/absolute/path"):
        open_storage(uri)


def test_file_store_needs_no_s3_client():
    """Opening a folder imports nothing of the S3 client, which takes a while."""
    code = "import sys; from clinical_ner.storage import open_storage; open_storage('x'); sys.exit('minio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_uri_of_a_stored_object_is_its_path(tmp_path):
    """What a store on a disk calls an object is found again as a file, whatever letters the folder has."""
    storage = open_storage(str(tmp_path / "ä b #1%20?"))
    storage.write("models/v1", b"x")
    assert path_of(storage.uri("models/v1")).read_bytes() == b"x"
    assert path_of("models/a b") == Path("models/a b")


@pytest.mark.parametrize("uri", ["s3://bucket/models/v1", "", "file:models", "file://host/models", "file://", "file:///a#b"])
def test_uri_of_no_file_here_is_refused(uri):
    """Another machine's is not taken for a folder of that name here."""
    with pytest.raises(ConfigError, match="file:///an/absolute/path"):
        path_of(uri)
