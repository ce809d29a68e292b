from datetime import UTC, datetime
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, Conflict, ModelFormatError, NotFound, RegistryError
from clinical_ner.model_package import PAYLOAD, parse_manifest
from clinical_ner.registration import REGISTRATION, number_of
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from clinical_ner.version_states import State
from tests.clinical_ner.releases import BY, NAME, release, snapshot


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


def test_change_under_an_old_token_is_refused(registry, tiny_model, other_model):
    """A promotion and a withdrawal that meet other states than they go by change nothing; what is so already is no error."""
    release(registry, tiny_model)
    registry.register(NAME, other_model(1), **BY)
    registry.approve(NAME, "v2", **BY)
    seen = registry.states(NAME).token
    registry.raise_fence(NAME, "somebody")
    before = registry.states(NAME)
    for change in (registry.promote, registry.roll_back):
        with pytest.raises(Conflict, match="look again"):
            change(NAME, "v2", seen=seen, **BY)
    assert registry.promote(NAME, "v1", seen=seen, **BY).state is State.LIVE
    assert registry.states(NAME) == before
    assert registry.promote(NAME, "v2", seen=before.token, **BY).state is State.LIVE


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
