import subprocess
import sys

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.storage import open_storage


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
