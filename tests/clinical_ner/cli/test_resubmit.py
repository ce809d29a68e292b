"""``clinical-ner resubmit``."""

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner import model_package
from clinical_ner.cli.resubmit import app
from clinical_ner.datasets import store_dataset
from clinical_ner.errors import ConfigError, NotFound
from clinical_ner.registry import Registry
from clinical_ner.resubmit import Request, ResubmitRules, Resubmitter, RunReference, RunState
from clinical_ner.resubmit.local_backend import LocalBackend
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import BY, NAME, SPLIT, notes
from tests.clinical_ner.resubmit.small_pipeline import compile_small_pipeline
from tests.doubles.kfp_api import running_kfp_api


@pytest.fixture
def uri(tmp_path):
    return (tmp_path / "registry").as_uri()


@pytest.fixture
def run(uri, tmp_path, monkeypatch):
    """Run a command on the registry, on a wide terminal; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", uri)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, status=0):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    return invoke


@pytest.fixture
def champion(uri, tiny_model):
    """A live version trained on 60 notes."""
    storage = open_storage(uri)
    digest = store_dataset(storage, notes(0, 60), reader="jsonl", parameters={}).digest
    old = model_package.parse_manifest(tiny_model[model_package.MANIFEST])
    payload = {path: tiny_model[path] for path in model_package.PAYLOAD}
    fields = old.model_dump(include={"name", "labels", "library_versions"})
    files = model_package.build_package(payload, **fields, datasets={"train": digest}, parameters={**old.parameters, **SPLIT})
    registry = Registry(storage)
    registry.register(NAME, files, **BY)
    registry.approve(NAME, "v1", **BY)
    return registry.promote(NAME, "v1", **BY)


@pytest.fixture
def proposal(uri, champion, tmp_path):
    """The id of a proposed retraining, and its package."""
    package = compile_small_pipeline(tmp_path / "small.yaml")
    corrections = store_dataset(open_storage(uri), notes(100, 60), reader="f", parameters={}).digest
    monitor = Resubmitter(uri, NAME, LocalBackend(package, tmp_path / "runs"), ResubmitRules(), "monitor")
    request = Request(action="retrain", reasons=("tokens deviates by 7.0 %.",), corrections=(corrections,))
    return monitor.consider(request).cause_id


def test_list_without_resubmissions_says_so(run):
    """An empty registry is no error."""
    assert "no resubmissions of clinical-ner in file://" in run("list")
    assert orjson.loads(run("list", "--json")) == []


def test_list_shows_what_and_why(run, proposal):
    """Id, action, state, time and reason stand in one row; JSON has the whole id."""
    row = next(line for line in run("list").splitlines() if proposal[:12] in line)
    assert all(word in row for word in ("retrain", "proposed", "tokens deviates by 7.0 %."))
    (record,) = orjson.loads(run("list", "--json"))
    assert (record["id"], record["state"], record["champion"], record["actor"]) == (proposal, "proposed", "v1", "monitor")


def test_approve_runs_on_this_machine(run, proposal, tmp_path):
    """Without an endpoint the run goes below runs/; the list shows who approved it and where it is."""
    output = run("approve", proposal[:6], "--actor", "ada", "--reason", "real", "--package", "small.yaml")
    folder = (tmp_path / "runs" / f"{proposal}-1").as_uri()
    assert output.strip() == f"submitted: {folder}"
    (record,) = orjson.loads(run("list", "--json"))
    assert (record["state"], record["run"]) == ("submitted", folder)
    backend = LocalBackend(tmp_path / "small.yaml", tmp_path / "runs")
    assert backend.wait(RunReference(run_id=f"{proposal}-1", link="")) is RunState.SUCCEEDED


def test_approve_submits_to_kfp(run, proposal):
    """With an endpoint it becomes a run there, and its link is printed."""
    with running_kfp_api() as api:
        arguments = ("approve", proposal[:6], "--reason", "real", "--package", "small.yaml", "--host", api.host)
        output = run(*arguments, "--allow-file-uris")
        (run_id,) = api.store.workflows
    assert output.strip() == f"submitted: {api.host}/#/runs/details/{run_id}"


def test_approve_that_submits_nothing_ends_with_status_1(run, proposal):
    """The reason is printed: here pods could not see the registry, a file of this machine."""
    with running_kfp_api() as api:
        output = run("approve", proposal[:6], "--reason", "real", "--package", "small.yaml", "--host", api.host, status=1)
        assert not api.store.workflows
    assert "registry_uri names a file of one machine" in output


def test_approve_of_nothing_is_refused(run, proposal):
    """An unknown id and a blank reason are told apart."""
    with pytest.raises(NotFound, match="0 resubmissions"):
        run("approve", "zz", "--reason", "real")
    with pytest.raises(ConfigError, match="must not be blank"):
        run("approve", proposal[:6], "--reason", " ")
