import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, ModelFormatError, NotFound, RegistryError
from clinical_ner.model_package import PAYLOAD, parse_manifest
from clinical_ner.registration import REGISTRATION, number_of
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from clinical_ner.version_states import State

NAME = "clinical-ner"
BY = {"actor": "someone", "reason": "a reason"}
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


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path / "registry"))


@pytest.fixture
def registry(storage, clock):
    return Registry(storage, clock)


def release(registry, files):
    """Register, approve and promote a model; returns its version."""
    version = registry.register(NAME, files, **BY).version
    registry.approve(NAME, version, **BY)
    registry.promote(NAME, version, **BY)
    return version


def snapshot(storage):
    return {key: storage.read(key) for key in storage.list("")}


def test_registered_model_is_a_candidate(registry, tiny_model, clock):
    """The first version is v1, with its time, metrics and manifest, and nobody has approved it."""
    model = registry.register(NAME, tiny_model, **BY)
    assert (model.version, model.state, model.created_at) == ("v1", State.CANDIDATE, clock())
    assert model.manifest.version == "v1"
    assert model.digest == parse_manifest(tiny_model["manifest.json"]).model_digest
    assert registry.get(NAME, "v1") == registry.get(NAME, "latest") == model
    assert registry.versions(NAME) == [model]
    assert registry.champion(NAME) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("strict.f1", 0.8),
        ("strict.per_label.DISEASE.f1", 0.8),
        ("documents", 3.0),
        ("strict", None),
        ("strict.f1.more", None),
        ("absent", None),
        ("confusion.matrix", None),
        ("", None),
    ],
)
def test_metric_is_found_by_its_path(registry, tiny_model, path, value):
    """A dotted path leads to a number, or to nothing."""
    assert registry.register(NAME, tiny_model, **BY).metric(path) == value


def test_version_folder_is_a_model_as_it_lies(registry, tiny_model):
    """A server that is given the version's folder loads it, and answers under the version's name."""
    model = registry.register(NAME, tiny_model, **BY)
    tagger = Tagger.from_folder(Path(model.uri.removeprefix("file://")), expected_digest=model.digest)
    assert tagger.served_version == "v1"
    assert [text.label for text in tagger.annotate("The patient with gout was given colchicine.").entities]


def test_register_twice_returns_the_same_version(registry, storage, tiny_model):
    """A step that runs twice registers once, also when the first run was approved in between; nothing is written again."""
    first = release(registry, tiny_model)
    before = snapshot(storage)
    again = registry.register(NAME, tiny_model, actor="another", reason="again")
    assert (again.version, again.state) == (first, State.LIVE)
    assert snapshot(storage) == before


def test_register_with_another_release_makes_another_version(registry, tiny_model):
    """The same model judged again is a version of its own; versions are never changed."""
    registry.register(NAME, tiny_model, **BY)
    again = registry.register(NAME, {**tiny_model, "release/metrics.json": b"{}"}, **BY)
    assert again.version == "v2"
    assert again.digest == registry.get(NAME, "v1").digest


def test_registered_files_can_move_to_another_registry(registry, tiny_model, other_model, tmp_path):
    """A version taken from one registry gets the next number of the other, and a registration of its own."""
    other = Registry(open_storage(str(tmp_path / "other")))
    other.register(NAME, other_model(1), **BY)
    registry.register(NAME, tiny_model, **BY)
    moved = other.register(NAME, registry.files(NAME, "v1"), actor="mover", reason="to production")
    assert (moved.version, moved.manifest.version) == ("v2", "v2")
    assert other.history(NAME, "v2")[0].actor == "mover"
    assert other.damage(NAME, "v2") == []


def test_versions_are_in_order_of_their_numbers(registry, other_model):
    """v10 comes after v9."""
    for number in range(11):
        registry.register(NAME, other_model(number), **BY)
    assert [model.version for model in registry.versions(NAME)] == [f"v{number}" for number in range(1, 12)]
    assert registry.get(NAME, "latest").version == "v11"


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a.b", "a_b", "a-", "-a", "a/b", "../a", "a" * 64])
def test_name_unfit_for_hosts_is_refused(registry, tiny_model, name):
    """A name that KServe could not serve under is refused before anything is written."""
    with pytest.raises(ConfigError, match="model name"):
        registry.register(name, tiny_model, **BY)


def test_register_under_another_name_is_refused(registry, storage, tiny_model):
    """The server takes its name from the manifest, so both must agree."""
    with pytest.raises(ConfigError, match="clinical-ner"):
        registry.register("another", tiny_model, **BY)
    assert storage.list("") == []


@pytest.mark.parametrize("path", sorted(PAYLOAD))
def test_register_refuses_unsound_files(registry, storage, tiny_model, path):
    """A model that is damaged already never gets a number."""
    with pytest.raises(ModelFormatError, match=path):
        registry.register(NAME, {**tiny_model, path: tiny_model[path][:-1]}, **BY)
    assert storage.list("") == []


@pytest.mark.parametrize("field", ["actor", "reason"])
def test_register_asks_who_and_why(registry, storage, tiny_model, field):
    """Without an actor or a reason nothing is written."""
    with pytest.raises(ConfigError, match=field):
        registry.register(NAME, tiny_model, **{**BY, field: ""})
    assert storage.list("") == []


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


def test_damage_names_the_file(registry, storage, tiny_model):
    """Each single file that changes, goes or appears is named, and the version is neither handed out nor promoted."""
    registry.register(NAME, tiny_model, **BY)
    registry.approve(NAME, "v1", **BY)
    folder = f"models/{NAME}/v1"
    for path in sorted(tiny_model):
        whole = storage.read(f"{folder}/{path}")
        if path != "manifest.json":
            storage.delete(f"{folder}/{path}")
            assert registry.damage(NAME, "v1") == [f"{path}: missing"]
        storage.write(f"{folder}/{path}", whole[:-1] + bytes([whole[-1] ^ 1]))
        (problem,) = registry.damage(NAME, "v1")
        assert problem.startswith(f"{path}: damaged")
        with pytest.raises(ModelFormatError, match=path):
            registry.files(NAME, "v1")
        with pytest.raises(ModelFormatError):
            registry.promote(NAME, "v1", **BY)
        storage.write(f"{folder}/{path}", whole)
    storage.write(f"{folder}/extra.bin", b"")
    assert registry.damage(NAME, "v1") == ["extra.bin: not among the files that were registered"]
    assert registry.champion(NAME) is None


def test_damaged_registration_is_damage(registry, storage, tiny_model):
    """Without the record of what was registered nothing can be vouched for."""
    registry.register(NAME, tiny_model, **BY)
    storage.write(f"models/{NAME}/v1/{REGISTRATION}", b"{")
    assert registry.damage(NAME, "v1")[0].startswith(REGISTRATION)


def test_register_over_damaged_files_says_so(registry, storage, tiny_model):
    """Registering again does not vouch for a version that was damaged since."""
    registry.register(NAME, tiny_model, **BY)
    storage.write(f"models/{NAME}/v1/labels.json", b"[]")
    with pytest.raises(ModelFormatError, match=r"v1/labels\.json: damaged"):
        registry.register(NAME, tiny_model, **BY)


def test_state_changes_leave_the_files_alone(registry, storage, tiny_model, other_model):
    """A version's folder is the same bytes whatever becomes of the version."""
    release(registry, tiny_model)
    before = {key: data for key, data in snapshot(storage).items() if "/v1/" in key}
    release(registry, other_model(1))
    registry.roll_back(NAME, "live", **BY)
    assert {key: data for key, data in snapshot(storage).items() if "/v1/" in key} == before


def test_history_tells_who_when_and_why(storage, tiny_model, other_model):
    """Every state from the registration on is kept with actor, time and reason."""
    hours = iter(range(24))
    registry = Registry(storage, lambda: datetime(2030, 1, 2, next(hours), tzinfo=UTC))
    registry.register(NAME, tiny_model, actor="pipeline", reason="passed the gate")
    registry.approve(NAME, "v1", actor="eve", reason="read 50 notes")
    registry.promote(NAME, "v1", actor="bob", reason="pilot over")
    history = registry.history(NAME, "v1")
    assert [(change.state, change.actor, change.reason) for change in history] == [
        (State.CANDIDATE, "pipeline", "passed the gate"),
        (State.APPROVED, "eve", "read 50 notes"),
        (State.LIVE, "bob", "pilot over"),
    ]
    assert [change.time.hour for change in history] == [0, 1, 2]


def test_promotion_and_roll_back_move_the_champion(registry, tiny_model, other_model):
    """Promotion retires the old champion; roll back brings it back; the withdrawn one is final."""
    release(registry, tiny_model)
    release(registry, other_model(2))
    assert registry.champion(NAME) == registry.get(NAME, "live") == registry.get(NAME, "v2")
    assert registry.get(NAME, "v1").state is State.RETIRED
    assert registry.roll_back(NAME, "live", **BY).state is State.ROLLED_BACK
    assert registry.champion(NAME).version == "v1"


def test_rejected_version_cannot_be_approved(registry, tiny_model):
    """A rejection is final."""
    registry.register(NAME, tiny_model, **BY)
    registry.reject(NAME, "v1", **BY)
    with pytest.raises(RegistryError, match="from rejected to approved"):
        registry.approve(NAME, "v1", **BY)


@pytest.mark.parametrize("version", ["v2", "live", "1", "V1", "", "v01", "v1/release", "..", "states.json"])
def test_unknown_version_names_the_known_ones(registry, tiny_model, version):
    """Asking for what is not there says what is."""
    registry.register(NAME, tiny_model, **BY)
    with pytest.raises(NotFound, match="it has v1"):
        registry.get(NAME, version)


@pytest.mark.parametrize(
    ("version", "number"), [("v1", 1), ("v12", 12), ("v0", 0), ("v01", 0), ("v", 0), ("x1", 0), ("1", 0), ("v²", 0)]
)
def test_number_is_read_only_from_versions(version, number):
    """Only v and a positive number without leading zeros is a version."""
    assert number_of(version) == number


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


@pytest.mark.parametrize("data", [b"{", b"[]"])
def test_register_refuses_metrics_that_are_no_object(registry, storage, tiny_model, data):
    """Metrics that no list could show never get a number."""
    with pytest.raises(ModelFormatError, match=r"release/metrics\.json: not"):
        registry.register(NAME, {**tiny_model, "release/metrics.json": data}, **BY)
    assert storage.list("") == []


@pytest.mark.parametrize("path", ["manifest.json", "release/metrics.json", REGISTRATION])
def test_damage_is_named_where_versions_are_listed(registry, storage, tiny_model, path):
    """A version that cannot be described is an error that names version and file, not a missing row."""
    registry.register(NAME, tiny_model, **BY)
    storage.write(f"models/{NAME}/v1/{path}", b"{")
    with pytest.raises(ModelFormatError, match=f"{NAME}/v1/{path}"):
        registry.versions(NAME)


def test_damage_in_one_version_is_in_no_others_way(registry, storage, tiny_model, other_model):
    """The champion is found and models are registered and promoted while another version is damaged."""
    registry.register(NAME, tiny_model, **BY)
    storage.write(f"models/{NAME}/v1/manifest.json", b"{")
    assert release(registry, other_model(1)) == "v2"
    assert registry.champion(NAME).version == "v2"
