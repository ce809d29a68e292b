from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli.models import app
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError, NotFound, RegistryError
from clinical_ner.registry import Registry
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import make_spec

NAME = "clinical-ner"
BY = {"actor": "pipeline", "reason": "passed the gate"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "registry"


@pytest.fixture
def storage(folder):
    return open_storage(str(folder))


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command on the registry, on a wide terminal; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", folder.as_uri())

    def invoke(*arguments, status=0):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    return invoke


@pytest.fixture
def versions(storage, tiny_model, other_model):
    """v1 live, 40 days old, F1 0.8; v2 approved, 10 days old, F1 0.7; v3 a candidate of today, F1 0.75."""
    for age_days, model in ((40, tiny_model), (10, other_model(2, f1=0.7)), (0, other_model(3, f1=0.75))):
        registry = Registry(storage, lambda age_days=age_days: utc_now() - timedelta(days=age_days))
        registry.register(NAME, model, **BY)
    registry.approve(NAME, "v1", **BY)
    registry.promote(NAME, "v1", **BY)
    registry.approve(NAME, "v2", **BY)
    return registry


def rows_of(output):
    return [line for line in output.splitlines() if line.startswith(("│ v", "v"))]


def test_list_shows_versions_states_and_scores(run, versions):
    """One row a version, oldest first, with state, short digest and metrics."""
    rows = rows_of(run("list"))
    assert [row.split()[1] for row in rows] == ["v1", "v2", "v3"]
    assert [row.split()[3] for row in rows] == ["live", "approved", "candidate"]
    assert "0.8000" in rows[0]
    assert "0.9000" in rows[0]
    assert versions.get(NAME, "v1").digest[7:19] in rows[0]


def test_list_keeps_names_whole_on_a_narrow_terminal(run, versions, monkeypatch):
    """What a person types or copies, version, state and digest, is never cut."""
    monkeypatch.setenv("COLUMNS", "80")
    output = run("list")
    for model in versions.versions(NAME):
        assert {model.version, model.state, model.digest[7:19]} <= set(output.split())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["v1", "v2", "v3"]),
        (("--days", "30"), ["v2", "v3"]),
        (("--best",), ["v1"]),
        (("--best", "--days", "30"), ["v3"]),
        (("--metric", "strict.f1"), ["v1", "v3", "v2"]),
        (("--metric", "strict.per_label.TREATMENT.f1", "--best"), ["v2"]),
        (("--metric", "strict.per_label.TREATMENT.f1", "--days", "5"), ["v3"]),
    ],
)
def test_list_chooses_by_age_and_any_metric(run, versions, options, expected):
    """The best of the last days by any number in the metrics is found; the table and the JSON agree."""
    assert [record["version"] for record in orjson.loads(run("list", "--json", *options))] == expected
    assert [row.split()[1] for row in rows_of(run("list", *options))] == expected


def test_list_puts_versions_without_the_metric_last(run, versions, other_model):
    """A version that was not scored is shown, but is never the best."""
    files = other_model(4)
    del files["release/metrics.json"]
    versions.register(NAME, files, **BY)
    records = orjson.loads(run("list", "--json", "--metric", "overlap.f1"))
    assert [record["version"] for record in records] == ["v1", "v3", "v2", "v4"]


def test_list_by_unknown_metric_names_the_known_ones(run, versions):
    """A metric that no version has is a mistake, and the message shows what there is."""
    with pytest.raises(ConfigError, match=r"strict\.per_label\.DISEASE\.f1"):
        run("list", "--metric", "f2")


def test_list_of_empty_registry_says_where_it_looked(run, folder):
    """Nothing found is said with the place, and nothing is made there."""
    assert folder.as_uri() in run("list", "--best")
    assert orjson.loads(run("list", "--json")) == []
    assert not folder.exists()


def test_show_tells_what_a_version_is_and_who_decided(run, versions):
    """Parameters, labels, metrics and every change of state with its reason."""
    output = run("show", "live")
    for text in ("max_iterations", "DISEASE", "strict.f1", "passed the gate", versions.get(NAME, "v1").digest):
        assert text in output
    record = orjson.loads(run("show", "v1", "--json"))
    assert [change["state"] for change in record["history"]] == ["candidate", "approved", "live"]
    assert record["parameters"]["max_iterations"] == 10


def test_verify_passes_sound_versions(run, versions):
    """All versions are checked unless one is named."""
    assert run("verify").count("all files are as registered") == 3
    assert run("verify", "latest").count("all files are as registered") == 1


def test_verify_names_the_damaged_file(run, versions, storage):
    """Damage ends with status 1 and names version and file; the sound versions are still reported."""
    storage.write(f"models/{NAME}/v2/lexicon.json", b"[]")
    output = run("verify", status=1)
    assert "clinical-ner v2: lexicon.json: damaged" in output
    assert output.count("all files are as registered") == 2
    assert "lexicon.json" in run("verify", "v2", status=1)
    run("verify", "v3")


def test_diff_marks_what_differs(run, versions):
    """Parameters, datasets, metrics, features and labels stand side by side, the different ones marked."""
    lines = [line for line in run("diff", "v1", "v2").splitlines() if "│" in line]
    marked = {line.split("│")[3].strip() for line in lines if "≠" in line}
    assert {"seed", "strict.f1", "overlap.f1"} <= marked
    assert not {"c1", "DISEASE", "train", "shape", "documents"} & marked
    for field in ("c1", "DISEASE", "train", "shape", "documents"):
        assert any(field in line for line in lines), field
    assert {row["name"] for row in orjson.loads(run("diff", "v1", "v2", "--json"))} == marked


def test_diff_of_a_version_with_itself_marks_nothing(run, versions):
    """Equal versions differ in nothing."""
    assert "≠" not in run("diff", "live", "v1")
    assert orjson.loads(run("diff", "v3", "latest", "--json")) == []


def test_approve_and_promote_make_a_version_live(run, versions):
    """The decisions of a person are recorded with name and reason."""
    assert run("approve", "v3", "--reason", "read 50 notes", "--actor", "eve") == "clinical-ner v3 is approved\n"
    assert run("promote", "v3", "--reason", "pilot over", "--actor", "bob") == "clinical-ner v3 is live\n"
    assert versions.champion(NAME).version == "v3"
    assert [(change.actor, change.reason) for change in versions.history(NAME, "v3")[1:]] == [
        ("eve", "read 50 notes"),
        ("bob", "pilot over"),
    ]
    assert run("promote", "v1", "--restore", "--reason", "v3 is slow") == "clinical-ner v1 is live\n"


def test_actor_is_the_user_by_default(run, versions, monkeypatch):
    """Nobody has to type their own name."""
    monkeypatch.setenv("LOGNAME", "carol")
    run("reject", "v3", "--reason", "misses abbreviations")
    assert versions.history(NAME, "v3")[-1].actor == "carol"
    assert versions.get(NAME, "v3").state == "rejected"


@pytest.mark.parametrize("command", ["approve", "reject", "promote"])
def test_decision_without_a_reason_is_a_usage_error(run, versions, command):
    """No state changes without a reason."""
    before = versions.states(NAME)
    run(command, "v3", status=2)
    assert versions.states(NAME) == before


def test_refusals_of_the_registry_come_through(run, versions):
    """Illegal changes and unknown versions are the registry's errors, which the program turns into one line."""
    with pytest.raises(RegistryError, match="approve it first"):
        run("promote", "v3", "--reason", "hurry")
    with pytest.raises(NotFound, match="it has v1, v2, v3"):
        run("show", "v9")


def test_prune_only_says_what_it_would_do(run, versions):
    """Files go only when asked for, and never those of the live, newest or referenced versions."""
    assert "would remove v2" in run("prune", "--keep", "1")
    assert versions.version_names(NAME) == ["v1", "v2", "v3"]
    assert run("prune", "--keep", "1", "--referenced", "v2", "--delete") == "nothing to remove\n"
    assert run("prune", "--keep", "1", "--delete") == "removed v2\n"
    assert versions.version_names(NAME) == ["v1", "v3"]


def test_name_selects_the_model(run, versions):
    """Versions of one model are not those of another."""
    assert "no versions of another" in run("list", "--name", "another")


def test_registry_uri_option_wins_over_the_environment(run, versions, tmp_path):
    """The option names the registry where it is given."""
    assert "no versions" in run("list", "--registry-uri", str(tmp_path / "other"))


@pytest.mark.parametrize("command", ["list", "show", "verify", "diff", "approve", "reject", "promote", "prune"])
def test_help_holds_an_example(run, command):
    """Each command's help shows how it is used."""
    assert f"clinical-ner models {command}" in run(command, "--help")


def test_promotion_is_refused_in_the_middle_of_a_rollout(run, storage, versions):
    """The live pointer is the rollout's to move; when that has ended, a person may again."""
    rollouts = StoredRollouts(storage, NAME)
    stored = rollouts.create(make_spec(Registry(storage).get(NAME, "v2")))
    stored = rollouts.write_status(stored, RolloutStatus(phase=Phase.HOLDING))
    with pytest.raises(RegistryError, match="rollout v2 of clinical-ner is holding"):
        run("promote", "v2", "--reason", "in a hurry")
    assert Registry(storage).states(NAME).live == "v1"
    rollouts.write_status(stored, RolloutStatus(phase=Phase.ROLLED_BACK))
    assert "v2 is live" in run("promote", "v2", "--reason", "in a hurry")
