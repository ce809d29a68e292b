"""Submitting to an API on a real socket: what is uploaded, what is created, and how often."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.creation import run_id_for
from tests.doubles.kfp_api import Fault, KfpApi

Options = Callable[..., SubmitOptions]
RUNS = "/apis/v2beta1/runs"


def posted(api: KfpApi, path: str) -> int:
    return sum(request == f"POST {path}" for request in api.requests)


def test_submit_runs_the_uploaded_version_with_the_arguments(api: KfpApi, options: Options, package_path: Path) -> None:
    """The run has version, arguments, name, experiment and the account noted in the package; the link leads to it."""
    run = submit(package_path, {"seed": 3, "min_f1": 0.7}, options(run_name="first", experiment="nightly"))
    stored = api.store.runs[run.run_id]
    assert api.store.workflows == [run.run_id]
    assert stored.runtime_config.parameters == {"seed": 3, "min_f1": 0.7}
    assert stored.display_name == "first"
    assert stored.service_account == "trainer"
    assert api.store.experiments[stored.experiment_id].display_name == "nightly"
    assert run.link == f"{api.host}/#/runs/details/{run.run_id}"
    assert run.created
    assert run.version_uploaded


def test_submit_passes_the_description_at_upload(api: KfpApi, options: Options, package_path: Path) -> None:
    """Pipeline and version carry the parameter guide, which API and UI do not take from the spec."""
    submit(package_path, {}, options())
    (pipeline,) = api.store.pipelines.values()
    (version,) = api.store.versions.values()
    assert "| `tuning_workers` | int | `1` |" in pipeline.description
    assert version.description == pipeline.description


def test_submit_uploads_the_same_file_once(api: KfpApi, options: Options, package_path: Path) -> None:
    """The second submission finds the version by its digest and makes its own run of it."""
    first, second = (submit(package_path, {}, options()) for _ in range(2))
    assert (first.version_uploaded, second.version_uploaded) == (True, False)
    assert first.version == second.version
    assert len(api.store.versions) == 1
    assert len(api.store.workflows) == 2
    assert len(api.store.experiments) == 1


def test_submit_uploads_a_changed_file_as_a_new_version(
    api: KfpApi, options: Options, package_path: Path, changed_package_path: Path
) -> None:
    """Another digest is another version of the same pipeline, with a name and tag of its own."""
    runs = [submit(path, {}, options()) for path in (package_path, changed_package_path)]
    assert runs[0].version != runs[1].version
    assert len(api.store.pipelines) == 1
    assert len({version.tags["digest"] for version in api.store.versions.values()}) == 2


def test_submit_at_the_same_moment_uploads_one_version(api: KfpApi, options: Options, package_path: Path) -> None:
    """Whoever meets a 409 uses what the faster one uploaded."""
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: submit(package_path, {}, options()), range(8)))
    assert len(api.store.pipelines) == len(api.store.versions) == len(api.store.experiments) == 1
    assert sorted(api.store.workflows) == sorted(run.run_id for run in runs)


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ({"no_such": 1}, {}),
        ({"registry_uri": "file:///srv/registry"}, {}),
        ({}, {"run_name": "x" * 256}),
        ({}, {"experiment": ""}),
        ({}, {"host": "kubeflow.example.org"}),
        ({}, {"host": "https://me:hunter22@kubeflow.example.org"}),
    ],
)
def test_submit_sends_nothing_when_it_refuses(
    api: KfpApi, options: Options, package_path: Path, arguments: dict[str, object], changes: dict[str, object]
) -> None:
    """A refusal is a ConfigError and the API hears nothing."""
    with pytest.raises(ConfigError) as refusal:
        submit(package_path, arguments, options(**changes))
    assert "hunter22" not in str(refusal.value)
    assert not api.requests


def test_submit_prefers_the_given_account_and_ui(api: KfpApi, options: Options, package_path: Path) -> None:
    """Options win over what the package notes and over the API's address."""
    run = submit(package_path, {}, options(service_account="other", ui_host="https://ui.example.org/"))
    assert api.store.runs[run.run_id].service_account == "other"
    assert run.link.startswith("https://ui.example.org/#/runs/details/")


def test_submit_refuses_an_archived_experiment(api: KfpApi, options: Options, package_path: Path) -> None:
    """An archived experiment takes no runs, and the message says so."""
    submit(package_path, {}, options(experiment="old"))
    next(iter(api.store.experiments.values())).storage_state = "ARCHIVED"
    with pytest.raises(ConfigError, match="experiment old is archived"):
        submit(package_path, {}, options(experiment="old"))


def test_submit_with_a_key_creates_one_run(api: KfpApi, options: Options, package_path: Path) -> None:
    """The same key names the same run; the second submission finds it and creates nothing."""
    first, second = (submit(package_path, {}, options(key="drift of 2026-01-01")) for _ in range(2))
    assert first.run_id == second.run_id == run_id_for("drift of 2026-01-01")
    assert (first.created, second.created) == (True, False)
    assert len(api.store.workflows) == 1


@pytest.mark.parametrize("status", [0, 500, 502, 504])
def test_submit_makes_one_workflow_when_the_reply_is_lost(
    api: KfpApi, options: Options, package_path: Path, status: int
) -> None:
    """A run that was created although the connection broke or a proxy gave up is found, not created again."""
    api.faults.append(Fault("POST", RUNS, status=status, carry_out=True))
    run = submit(package_path, {}, options())
    assert api.store.workflows == [run.run_id]
    assert posted(api, RUNS) == 1


def test_submit_makes_one_workflow_when_the_reply_is_late(api: KfpApi, options: Options, package_path: Path) -> None:
    """A create that outlasts our patience for a reply is waited for, even when it becomes visible late."""
    api.faults.append(Fault("POST", RUNS, carry_out=True, delay_seconds=1.5))
    api.store.hidden_polls = 3
    run = submit(package_path, {}, options(request_seconds=1))
    assert api.store.workflows == [run.run_id]


def test_submit_posts_again_when_the_server_says_that_there_is_no_run(
    api: KfpApi, options: Options, package_path: Path
) -> None:
    """After the waiting time a clear 404 allows a second create, under the same id."""
    api.faults.append(Fault("POST", RUNS, status=503))
    run = submit(package_path, {}, options())
    assert api.store.workflows == [run.run_id]
    assert posted(api, RUNS) == 2


def test_submit_does_not_post_again_while_the_server_is_unclear(api: KfpApi, options: Options, package_path: Path) -> None:
    """When asking for the run fails too, the outcome is unknown: nothing is posted, and the message names the run."""
    api.faults += [Fault("POST", RUNS, status=0, carry_out=True), Fault("GET", f"{RUNS}/", status=500, times=1000)]
    with pytest.raises(PipelineRunError, match=r"run [0-9a-f-]{36} may or may not have been created"):
        submit(package_path, {}, options())
    assert posted(api, RUNS) == 1


def test_submit_gives_up_after_two_creates(api: KfpApi, options: Options, package_path: Path) -> None:
    """A server that keeps failing ends in an error, not in a third create."""
    api.faults.append(Fault("POST", RUNS, status=500, times=1000))
    with pytest.raises(PipelineRunError, match=r"cannot create run .* the server failed"):
        submit(package_path, {}, options())
    assert posted(api, RUNS) == 2
