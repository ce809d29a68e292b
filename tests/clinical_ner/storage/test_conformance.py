"""What every backend of Storage must do."""

import multiprocessing
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, NotFound
from clinical_ner.storage import open_storage

WRITERS = 16
MEGABYTE = 1024 * 1024
PROCESSES = multiprocessing.get_context("fork")


@pytest.fixture
def storage(storage_uri):
    return open_storage(storage_uri)


def test_read_returns_what_was_written(storage):
    """An object comes back to the bit, the empty one too."""
    for key, data in {"a": b"", "b/c": bytes(range(256)), "b/d.json": b"x" * MEGABYTE}.items():
        storage.write(key, data)
        assert storage.read(key) == data
        assert storage.read_versioned(key)[0] == data


@pytest.mark.parametrize("method", ["read", "read_versioned"])
@pytest.mark.parametrize("key", ["absent", "folder", "folder/absent", "folder/object/below"])
def test_read_of_nothing_names_the_key(storage, method, key):
    """Neither an absent key, nor a folder, nor what would lie below an object is an object."""
    storage.write("folder/object", b"x")
    assert not storage.exists(key)
    with pytest.raises(NotFound, match=key):
        getattr(storage, method)(key)


def test_create_leaves_what_is_there(storage):
    """A second create fails and changes nothing."""
    storage.create("a/b", b"first")
    with pytest.raises(AlreadyExists, match="a/b"):
        storage.create("a/b", b"second")
    assert storage.read("a/b") == b"first"


def test_write_replaces(storage):
    """An unconditional write wins over what is there, and its etag is another."""
    storage.write("a", b"first")
    etag = storage.read_versioned("a")[1]
    storage.write("a", b"second")
    assert storage.read_versioned("a") == (b"second", storage.read_versioned("a")[1])
    assert storage.read_versioned("a")[1] != etag


def test_replace_swaps_only_what_was_read(storage):
    """A compare-and-swap with the present etag succeeds once; the same etag then is stale."""
    storage.create("a", b"first")
    etag = storage.read_versioned("a")[1]
    storage.replace("a", b"second", etag)
    with pytest.raises(Conflict, match="a: "):
        storage.replace("a", b"third", etag)
    assert storage.read("a") == b"second"


def test_replace_of_deleted_object_conflicts(storage):
    """What was deleted since it was read is not brought back."""
    storage.create("a", b"first")
    etag = storage.read_versioned("a")[1]
    storage.delete("a")
    with pytest.raises(Conflict):
        storage.replace("a", b"second", etag)
    assert not storage.exists("a")


def test_delete_is_repeatable(storage):
    """Deleting removes one object, and deleting nothing is no error."""
    storage.write("a/b", b"x")
    storage.write("a/c", b"x")
    for _ in range(2):
        storage.delete("a/b")
    storage.delete("nowhere/at/all")
    assert storage.list("") == ["a/c"]


def test_list_takes_a_string_prefix(storage):
    """Keys are listed in code-point order whatever their depth, by a prefix that need not end at a slash."""
    keys = ["m-x/v1/a", "m.json", "m/v1/a", "m/v1/b/c", "m/v10/a", "n"]
    for key in reversed(keys):
        storage.write(key, b"")
    assert storage.list("") == sorted(keys)
    assert storage.list("m/") == ["m/v1/a", "m/v1/b/c", "m/v10/a"]
    assert storage.list("m/v1") == ["m/v1/a", "m/v1/b/c", "m/v10/a"]
    assert storage.list("m") == sorted(keys)[:-1]
    assert storage.list("nothing/here/") == []


def test_list_of_new_store_is_empty(storage):
    """Listing a store that nobody wrote to needs no preparation."""
    assert storage.list("") == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".a", "a/.b", "a\\b", "a b", "a\n", "é", "a\0b"]
)
@pytest.mark.parametrize("method", ["read", "create", "write", "delete", "exists", "uri"])
def test_key_outside_the_rules_is_refused(storage, method, key):
    """No method takes a key that could leave the store or mean something else in another backend."""
    arguments = (key, b"x") if method in {"create", "write"} else (key,)
    with pytest.raises(ConfigError, match="not a key"):
        getattr(storage, method)(*arguments)


@pytest.mark.parametrize("prefix", ["/", "..", "../a", "a/../", ".storage/"])
def test_prefix_outside_the_rules_is_refused(storage, prefix):
    """A listing cannot leave the store either."""
    with pytest.raises(ConfigError, match="not a key"):
        storage.list(prefix)


def test_uri_begins_with_the_stores(storage, storage_uri):
    """An object's URI is its key below the store's."""
    assert storage.uri("models/m/v1") == f"{storage_uri}/models/m/v1"


def race(uri, act):
    """Let 16 processes, each with 2 threads, run ``act(storage, number)`` at once; return how many succeeded."""
    barrier, wins = PROCESSES.Barrier(WRITERS), PROCESSES.Queue()
    processes = [PROCESSES.Process(target=_race_one, args=(uri, act, number, barrier, wins)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    results = [won for _ in processes for won in wins.get(timeout=60)]
    for process in processes:
        process.join()
    return sum(results)


def _race_one(uri, act, number, barrier, wins):
    storage = open_storage(uri)
    barrier.wait()
    with ThreadPoolExecutor(2) as threads:
        wins.put(list(threads.map(lambda thread: _attempt(act, storage, 2 * number + thread), range(2))))


def _attempt(act, storage, number):
    try:
        act(storage, number)
    except (AlreadyExists, Conflict):
        return False
    return True


@pytest.mark.parametrize("attempt", range(3))
def test_create_has_one_winner_among_processes(storage, storage_uri, attempt):
    """Of 32 concurrent creates exactly one succeeds."""
    key = f"folder{attempt}/object"
    assert race(storage_uri, lambda mine, number: mine.create(key, b"%d" % number)) == 1
    assert storage.list("") == [key]


@pytest.mark.parametrize("attempt", range(3))
def test_replace_has_one_winner_among_processes(storage, storage_uri, attempt):
    """Of 32 concurrent swaps of one etag exactly one succeeds."""
    key = f"object{attempt}"
    storage.create(key, b"before")
    etag = storage.read_versioned(key)[1]
    assert race(storage_uri, lambda mine, number: mine.replace(key, b"%d" % number, etag)) == 1
    assert storage.read(key) != b"before"


def test_replace_loses_no_update(storage, storage_uri):
    """32 concurrent writers that each append their number until they succeed leave all 32 numbers."""
    storage.create("list", b"")

    def append(mine, number):
        while True:
            data, etag = mine.read_versioned("list")
            try:
                return mine.replace("list", data + b"%d " % number, etag)
            except Conflict:
                continue

    race(storage_uri, append)
    assert sorted(map(int, storage.read("list").split())) == list(range(2 * WRITERS))


def test_reader_never_sees_half_an_object(storage, storage_uri):
    """While a writer replaces and creates objects without pause, every read gets a whole one."""
    process = PROCESSES.Process(target=_write_for_ever, args=(storage_uri,))
    process.start()
    while not storage.exists("replaced"):
        time.sleep(0.005)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        newest = storage.list("created/")[-1:]
        for key in ["replaced", *newest]:
            assert_whole(storage.read(key))
    process.kill()
    process.join()


def assert_whole(data):
    assert data == data[:1] * (4 * MEGABYTE), f"{len(data)} bytes"


def _write_for_ever(uri):
    storage = open_storage(uri)
    for number in range(1_000_000):
        data = b"%d" % (number % 10) * (4 * MEGABYTE)
        storage.write("replaced", data)
        storage.create(f"created/{number}", data)


@pytest.mark.parametrize("lifetime_seconds", [0.1, 0.15, 0.2, 0.25, 0.3])
def test_killed_writer_leaves_only_whole_objects(storage, storage_uri, lifetime_seconds):
    """However a writer dies, every object that is visible is whole."""
    process = PROCESSES.Process(target=_write_for_ever, args=(storage_uri,))
    process.start()
    while not storage.list(""):
        time.sleep(0.005)
    time.sleep(lifetime_seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    for key in storage.list(""):
        assert_whole(storage.read(key))
    storage.write("replaced", b"the lock of the dead is free")
