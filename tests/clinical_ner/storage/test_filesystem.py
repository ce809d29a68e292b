import multiprocessing
import os
import time
from pathlib import Path

import pytest

from clinical_ner.errors import NotFound, StorageError
from clinical_ner.storage.filesystem import ABANDONED_SECONDS, FileStorage

PROCESSES = multiprocessing.get_context("fork")


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_objects_folder_holds_nothing_else(tmp_path):
    """Locks and unfinished files stay out of the folders that other programs read as they are."""
    storage = FileStorage(tmp_path)
    storage.create("models/m/v1/manifest.json", b"{}")
    storage.replace("models/m/v1/manifest.json", b"[]", storage.read_versioned("models/m/v1/manifest.json")[1])
    assert files_below(tmp_path / "models") == ["m/v1/manifest.json"]
    assert not [name for name in files_below(tmp_path) if name.endswith(".unfinished")]


def test_leftovers_of_killed_writers_are_not_listed(tmp_path):
    """What a killed writer leaves is invisible."""
    storage = FileStorage(tmp_path)
    storage.write("a", b"x")
    (tmp_path / ".storage" / "0.unfinished").write_bytes(b"half")
    assert storage.list("") == ["a"]


def write_for_ever(folder):
    storage = FileStorage(folder)
    while True:
        storage.write("a", b"x" * 4_000_000)


def unfinished(folder):
    return sorted((folder / ".storage").glob("*.unfinished"))


def kill_a_writer(folder):
    """Kill a process in the middle of a write; the file that it leaves."""
    before = unfinished(folder)
    while unfinished(folder) == before:
        process = PROCESSES.Process(target=write_for_ever, args=(folder,))
        process.start()
        while unfinished(folder) == before:
            time.sleep(0.0005)
        process.kill()
        process.join()
    (left,) = set(unfinished(folder)) - set(before)
    return left


def age(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_leftovers_of_killed_writers_go_with_a_later_write(tmp_path):
    """What a killed writer left is removed once it is old; what is young may be a living writer's and stays."""
    old = kill_a_writer(tmp_path)
    young = kill_a_writer(tmp_path)
    age(old, ABANDONED_SECONDS + 60)
    age(young, ABANDONED_SECONDS - 60)
    FileStorage(tmp_path).write("a", b"whole")
    assert unfinished(tmp_path) == [young]
    assert FileStorage(tmp_path).read("a") == b"whole"


def test_a_leftover_that_cannot_be_removed_fails_no_write(tmp_path):
    """A write does its work whatever else lies among the unfinished files."""
    folder = tmp_path / ".storage" / "not-a-file.unfinished"
    folder.mkdir(parents=True)
    age(folder, ABANDONED_SECONDS + 60)
    FileStorage(tmp_path).write("a", b"x")
    assert FileStorage(tmp_path).read("a") == b"x"


@pytest.mark.parametrize("method", ["write", "replace"])
def test_open_reader_keeps_the_old_object(tmp_path, method):
    """An object is never written over in place: who began to read the old one reads it to its end."""
    storage = FileStorage(tmp_path)
    storage.write("a", b"old" * 1000)
    etag = storage.read_versioned("a")[1]
    with (tmp_path / "a").open("rb", buffering=0) as reader:
        beginning = reader.read(10)
        getattr(storage, method)("a", b"new", *([etag] if method == "replace" else []))
        assert beginning + reader.read() == b"old" * 1000
    assert storage.read("a") == b"new"


def test_reading_creates_nothing(tmp_path):
    """A store that is only read stays as it is, existing or not."""
    storage = FileStorage(tmp_path / "absent")
    assert storage.list("a/") == []
    assert not storage.exists("a/b")
    with pytest.raises(NotFound):
        storage.read("a/b")
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("method", ["create", "write"])
def test_write_below_an_object_is_a_storage_error(tmp_path, method):
    """An object's key cannot be another's folder; the message names the key."""
    storage = FileStorage(tmp_path)
    storage.write("a", b"x")
    for key in ("a/b", "a/b/c"):
        with pytest.raises(StorageError, match=key) as caught:
            getattr(storage, method)(key, b"y")
        assert type(caught.value) is StorageError
    assert storage.list("") == ["a"]


def test_name_too_long_for_the_disk_is_a_storage_error(tmp_path):
    """What the file system refuses is reported under the key, by its own reason."""
    with pytest.raises(StorageError, match="File name too long"):
        FileStorage(tmp_path).write("a" * 300, b"x")


def test_write_to_an_impossible_place_is_a_storage_error():
    """A store that cannot be written to says so under the key."""
    with pytest.raises(StorageError, match="a/b: "):
        FileStorage(Path("/proc/no-folder-can-be-made-here")).write("a/b", b"x")


@pytest.mark.parametrize("method", ["create", "write"])
def test_write_over_a_folder_of_objects_is_a_storage_error(tmp_path, method):
    """An object cannot take the place of a folder of others."""
    storage = FileStorage(tmp_path)
    storage.write("a/b", b"x")
    with pytest.raises(StorageError, match="a: "):
        getattr(storage, method)("a", b"y")
    assert storage.read("a/b") == b"x"
