"""Where the compiled training pipeline comes from."""

from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, StorageError
from clinical_ner.resubmit.package_source import check_package, local_package
from clinical_ner.storage import open_storage


def test_path_is_taken_as_it_is(tmp_path):
    """It need not be there before something is submitted."""
    assert local_package("no/such.yaml", tmp_path) == Path("no/such.yaml")


def test_object_is_copied_under_its_content(storage_uri, tmp_path):
    """The same content is one file, however often it is fetched; other content is another."""
    storage = open_storage(storage_uri)
    copies = []
    for content in (b"a: 1", b"a: 1", b"a: 2"):
        storage.write("pipelines/training.yaml", content)
        copies.append(local_package(f"{storage_uri}/pipelines/training.yaml", tmp_path / "copies"))
        assert copies[-1].read_bytes() == content
    assert copies[0] == copies[1] != copies[2]
    assert len(list((tmp_path / "copies").iterdir())) == 2
    assert {copy.suffix for copy in copies} == {".yaml"}


def test_missing_object_is_named_with_the_remedy(storage_uri, tmp_path):
    """The message has the URI and what to do."""
    with pytest.raises(ConfigError, match=r"training_package .*/none\.yaml: no compiled pipeline there\. Put the file that"):
        local_package(f"{storage_uri}/none.yaml", tmp_path)


def test_missing_file_is_named_with_where_it_was_looked_for(tmp_path, monkeypatch):
    """A relative path depends on the step's working folder, so the message has that too."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"training_package no/such.yaml, seen from {tmp_path}: no compiled pipeline"):
        check_package(Path("no/such.yaml"))


def test_disk_that_takes_no_copy_is_an_error_of_storage(file_uri, tmp_path):
    """The step fails, and the next one tries again."""
    open_storage(file_uri).write("training.yaml", b"a: 1")
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(StorageError, match="blocked"):
        local_package(f"{file_uri}/training.yaml", tmp_path / "blocked")
