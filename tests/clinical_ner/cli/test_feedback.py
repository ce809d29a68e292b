"""``clinical-ner feedback``."""

from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli.feedback import app
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.feedback import export_tasks, load_corrections
from clinical_ner.review.store import write_sample
from clinical_ner.storage import open_storage
from tests.clinical_ner.feedback.annotators import annotate, drop_last
from tests.clinical_ner.review.samples import make_sample


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on the samples and the registry in ``tmp_path``; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_URI", str(tmp_path / "log"))
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", str(tmp_path / "registry"))

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


@pytest.fixture
def samples(tmp_path):
    """Three samples, the last of low confidence."""
    strata = ("uniform", "uniform", "low-confidence")
    made = [make_sample(number, stratum=stratum, time=utc_now()) for number, stratum in enumerate(strata)]
    for sample in made:
        write_sample(open_storage(str(tmp_path / "log")), sample)
    return made


def give_back(tmp_path, edits=None):
    """What annotators make of tasks.json, as a file."""
    path = tmp_path / "export.json"
    path.write_bytes(orjson.dumps(annotate((tmp_path / "tasks.json").read_bytes(), edits)))
    return path


def test_corrections_make_the_round(run, samples, tmp_path):
    """Tasks go out, corrections come back as a dataset, and what was corrected is not exported again."""
    assert "3 tasks" in run("export", "--out", tmp_path / "tasks.json")
    back = give_back(tmp_path, {samples[0].record_id: drop_last})
    assert "3 added, 0 replaced, 0 unchanged, 0 rejected: 3 corrections in dataset://sha256:" in run("add", back)
    corrections = load_corrections(open_storage(str(tmp_path / "registry")), "clinical-ner")
    assert [len(each.entities) for each in corrections] == [1, 2, 2]
    with pytest.raises(DataError, match="3 in the store, 3 notes corrected already"):
        run("export", "--out", tmp_path / "more.json")
    assert not (tmp_path / "more.json").exists()


def test_export_chooses_and_keeps_to_its_owner(run, samples, tmp_path):
    """One stratum or so many tasks are exported on request, the file is its owner's only, and the interface comes along."""
    tasks, config = tmp_path / "tasks.json", tmp_path / "labels.xml"
    run("export", "--out", tasks, "--stratum", "low-confidence", "--config-out", config)
    assert [task["meta"]["stratum"] for task in orjson.loads(tasks.read_bytes())] == ["low-confidence"]
    assert 'value="TREATMENT"' in config.read_text()
    assert tasks.stat().st_mode & 0o077 == 0
    assert "1 tasks" in run("export", "--out", tasks, "--limit", "1")
    with pytest.raises(ConfigError, match="--stratum"):
        run("export", "--out", tasks, "--stratum", "random")
    with pytest.raises(ConfigError, match=f"--out {tmp_path}: "):
        run("export", "--out", tmp_path)


def test_rejected_corrections_are_an_error_unless_left_out(run, samples, tmp_path):
    """One unfinished task stops the addition and is named; with --skip-rejected the others are added. No text is shown."""
    run("export", "--out", tmp_path / "tasks.json")
    exported = annotate((tmp_path / "tasks.json").read_bytes())
    exported[1]["annotations"] = []
    path = tmp_path / "export.json"
    path.write_bytes(orjson.dumps(exported))
    with pytest.raises(DataError, match="rejected: 1 not finished"):
        run("add", path)
    assert load_corrections(open_storage(str(tmp_path / "registry")), "clinical-ner") == []
    output = run("add", path, "--skip-rejected")
    assert "2 added" in output
    assert "1 rejected" in output
    assert "asthma" not in output


def test_samples_are_listed_pruned_and_forgotten(run, samples, tmp_path):
    """Days are listed with their samples; old days and single notes are deleted on request, and a dry run deletes nothing."""
    write_sample(open_storage(str(tmp_path / "log")), make_sample(9, time=utc_now() - timedelta(days=40)))
    assert [day["samples"] for day in orjson.loads(run("list", "--json"))] == [1, 3]
    assert "1 samples of days before" in run("prune", "--older-than-days", "30", "--dry-run")
    assert "would be deleted" in run("forget", samples[0].record_id, "--dry-run")
    run("prune", "--older-than-days", "30")
    assert "1 samples deleted" in run("forget", samples[0].record_id)
    assert [day["samples"] for day in orjson.loads(run("list", "--json"))] == [2]
    assert "clinical-ner" in run("list")


def test_deleting_samples_takes_exported_tasks_along(run, samples, tmp_path):
    """They hold the same text: a patient who asks to be forgotten is, at once; a dry run deletes nothing."""
    storage = open_storage(str(tmp_path / "log"))
    for command in (("forget", samples[0].record_id), ("prune", "--older-than-days", "30")):
        export_tasks(storage, open_storage(str(tmp_path / "registry")), "clinical-ner", [])
        run(*command, "--dry-run")
        assert storage.list("annotation-tasks/")
        run(*command)
        assert not storage.list("annotation-tasks/")


def test_no_samples_named_is_a_mistake(run, monkeypatch):
    """Without samples named anywhere the message tells both ways to name them."""
    monkeypatch.delenv("CLINICAL_NER_INFERENCE_LOG_URI")
    with pytest.raises(ConfigError, match=r"--samples-uri.*CLINICAL_NER_INFERENCE_LOG_URI"):
        run("list")
