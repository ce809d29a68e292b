"""The registry under kills, several processes at once, and pruning."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinical_ner.errors import NotFound, RegistryError
from clinical_ner.registration import REGISTRATION
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.version_states import State
from tests.clinical_ner.releases import BY, NAME, release, snapshot

PROCESSES = multiprocessing.get_context("fork")


class KilledError(Exception):
    """The process of a writer ended."""


class DyingStorage:
    """A store whose user is killed before its write or delete number ``lives + 1``."""

    def __init__(self, storage, lives):
        self._storage = storage
        self._lives = lives

    def __getattr__(self, name):
        if name in {"create", "write", "replace", "delete"}:
            if not self._lives:
                raise KilledError
            self._lives -= 1
        return getattr(self._storage, name)


def writes_of_register(files):
    return len(files) + 1


def test_killed_register_is_invisible_and_completed_by_the_next(tmp_path, tiny_model):
    """Killed after any number of writes there is no version; the same step again completes v1, sound to the bit."""
    for lives in range(writes_of_register(tiny_model)):
        storage = open_storage(str(tmp_path / str(lives)))
        with pytest.raises(KilledError):
            Registry(DyingStorage(storage, lives)).register(NAME, tiny_model, **BY)
        registry = Registry(storage)
        assert registry.versions(NAME) == []
        with pytest.raises(NotFound, match="it has none"):
            registry.get(NAME, "v1")
        assert registry.register(NAME, tiny_model, **BY).version == "v1"
        assert registry.damage(NAME, "v1") == []
        assert set(registry.files(NAME, "v1")) == {*tiny_model, REGISTRATION}
    Registry(DyingStorage(open_storage(str(tmp_path / "all")), lives + 1)).register(NAME, tiny_model, **BY)


def test_killed_register_is_in_nobodys_way(tmp_path, tiny_model, other_model):
    """Killed after any number of writes, another model gets a number of its own, and the dead one stays invisible."""
    for lives in range(writes_of_register(tiny_model)):
        storage = open_storage(str(tmp_path / str(lives)))
        with pytest.raises(KilledError):
            Registry(DyingStorage(storage, lives)).register(NAME, tiny_model, **BY)
        registry = Registry(storage)
        other = registry.register(NAME, other_model(1), **BY)
        assert registry.versions(NAME) == [other]
        assert registry.damage(NAME, other.version) == []


def in_processes(count, act):
    """Run ``act(number)`` in as many processes at once; return their results."""
    barrier, results = PROCESSES.Barrier(count), PROCESSES.Queue()

    def run(number):
        barrier.wait()
        results.put(act(number))

    processes = [PROCESSES.Process(target=run, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    collected = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return collected


def test_concurrent_registers_get_versions_of_their_own(registry, other_model):
    """8 processes that register 8 models get v1 to v8, each whole."""
    models = [other_model(number) for number in range(8)]
    versions = in_processes(8, lambda number: registry.register(NAME, models[number], **BY).version)
    assert sorted(versions) == [f"v{number}" for number in range(1, 9)] == registry.version_names(NAME)
    assert not any(registry.damage(NAME, version) for version in versions)


def test_concurrent_registers_of_one_model_make_one_version(registry, tiny_model):
    """8 processes that register the same model share one version."""
    assert set(in_processes(8, lambda _: registry.register(NAME, tiny_model, **BY).version)) == {"v1"}
    assert registry.version_names(NAME) == ["v1"]
    assert registry.damage(NAME, "v1") == []


def test_concurrent_promotions_leave_one_live(registry, other_model):
    """8 promotions at once all succeed one after another: one version is live, the others are retired, no change is lost."""
    for number in range(8):
        registry.register(NAME, other_model(number), **BY)
        registry.approve(NAME, "latest", **BY)
    names = registry.version_names(NAME)
    in_processes(8, lambda number: registry.promote(NAME, names[number], **BY).version)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: registry.promote(NAME, registry.champion(NAME).version, **BY), range(4)))
    states = registry.states(NAME)
    assert sorted(states.of(name) for name in names) == [State.LIVE, *[State.RETIRED] * 7]
    assert len(states.changes) == 8 + 8 + 7


def test_prune_removes_only_old_unneeded_versions(registry, storage, other_model):
    """The live, the previous, the referenced and the newest stay; the files of all others are gone."""
    for number in range(6):
        registry.register(NAME, other_model(number), **BY)
    for version in ("v1", "v3"):
        registry.approve(NAME, version, **BY)
        registry.promote(NAME, version, **BY)
    options = {"keep": 1, "referenced": frozenset({"v4"})}
    before = snapshot(storage)
    assert registry.prune(NAME, **options, dry_run=True) == ["v2", "v5"]
    assert snapshot(storage) == before
    assert registry.prune(NAME, **options) == ["v2", "v5"]
    assert registry.version_names(NAME) == ["v1", "v3", "v4", "v6"]
    assert not [key for key in storage.list("") if "/v2/" in key or "/v5/" in key]
    assert registry.prune(NAME, **options) == []


def test_pruned_number_is_not_used_again(registry, other_model):
    """A version's name means one model for ever, also when the newest was pruned and the same model comes again."""
    for number in range(2):
        registry.register(NAME, other_model(number), **BY)
    registry.prune(NAME, keep=0)
    assert registry.register(NAME, other_model(1), **BY).version == "v3"


def test_lost_folder_does_not_free_its_number(registry, storage, other_model):
    """A version that was approved and whose files somebody removed by hand passes its state on to no other."""
    registry.register(NAME, other_model(1), **BY)
    registry.approve(NAME, "v1", **BY)
    for key in storage.list(f"models/{NAME}/v1/"):
        storage.delete(key)
    assert registry.register(NAME, other_model(2), **BY).version == "v2"


def test_rolled_back_model_stays_refused_after_prune(registry, tiny_model, other_model):
    """What failed once is remembered by its digest, though its files are gone."""
    release(registry, tiny_model)
    release(registry, other_model(1))
    registry.roll_back(NAME, "v2", **BY)
    assert registry.prune(NAME, keep=0) == ["v2"]
    again = registry.register(NAME, other_model(1), **BY)
    with pytest.raises(RegistryError, match="same model as v2"):
        registry.approve(NAME, again.version, **BY)


def killed_prunes(folder, other_model):
    """Registries of two versions, the older of which was being pruned when its process died, after 0 to 7 steps."""
    for lives in range(8):
        storage = open_storage(str(folder / str(lives)))
        registry = Registry(storage)
        for number in range(2):
            registry.register(NAME, other_model(number), **BY)
        with pytest.raises(KilledError):
            Registry(DyingStorage(storage, lives)).prune(NAME, keep=1)
        yield lives, storage, registry


def test_killed_prune_is_completed_by_the_next(tmp_path, other_model):
    """Killed after any number of steps, a version is whole or invisible, and the next prune leaves nothing of it."""
    for lives, storage, registry in killed_prunes(tmp_path, other_model):
        assert registry.version_names(NAME) == (["v1", "v2"] if lives == 0 else ["v2"])
        assert not any(registry.damage(NAME, version) for version in registry.version_names(NAME))
        registry.prune(NAME, keep=1)
        assert not storage.list(f"models/{NAME}/v1/")


def test_model_registered_after_a_killed_prune_is_visible(tmp_path, other_model):
    """A model never comes back into the folder that a killed prune left: it gets a new version, and a whole one."""
    for lives, _, registry in killed_prunes(tmp_path, other_model):
        again = registry.register(NAME, other_model(0), **BY)
        assert again.version == ("v1" if lives == 0 else "v3")
        assert registry.damage(NAME, again.version) == []


def test_promotion_killed_before_its_write_changes_nothing(registry, storage, tiny_model, other_model):
    """A promotion is one write: before it the old champion is live, after it the new one."""
    release(registry, tiny_model)
    registry.register(NAME, other_model(1), **BY)
    registry.approve(NAME, "v2", **BY)
    with pytest.raises(KilledError):
        Registry(DyingStorage(storage, 0)).promote(NAME, "v2", **BY)
    assert registry.champion(NAME).version == "v1"
    Registry(DyingStorage(storage, 1)).promote(NAME, "v2", **BY)
    assert registry.champion(NAME).version == "v2"
