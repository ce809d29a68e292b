"""Training runs in processes of this machine."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.resubmit import RunReference, RunState
from clinical_ner.resubmit.local_backend import LocalBackend
from tests.clinical_ner.resubmit.small_pipeline import compile_small_pipeline

FAILING, SLOW = 13, 300


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return compile_small_pipeline(tmp_path_factory.mktemp("package") / "small.yaml")


@pytest.fixture
def backend(package, tmp_path):
    return LocalBackend(package, tmp_path / "runs")


def executions(backend, key):
    """How often the pipeline's step began."""
    progress = backend.folder / key / "progress.log"
    lines = progress.read_text().splitlines() if progress.exists() else []
    return sum(line.split()[:2] == ["work", "running"] for line in lines)


def test_run_goes_on_in_a_process_of_its_own(backend, monkeypatch, tmp_path):
    """Submit returns while the run goes on; its lines are shown, and it needs no temporary folder of the caller."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    run = backend.submit("key-1", {"corpus_uri": "dataset://x", "max_iterations": 50})
    assert backend.state(run) is RunState.RUNNING
    lines = []
    assert backend.wait(run, lines.append) is RunState.SUCCEEDED
    assert any(line.startswith("work") and "done" in line for line in lines)


def test_key_that_is_running_or_finished_is_not_run_again(backend):
    """Asked for while it runs and after it ended, one key is one execution."""
    for _ in range(2):
        run = backend.submit("key-1", {"max_iterations": 50})
    backend.wait(run)
    assert backend.wait(backend.submit("key-1", {"max_iterations": 1})) is RunState.SUCCEEDED
    assert executions(backend, "key-1") == 1


def test_failed_run_is_failed_and_not_run_again_under_its_key(backend):
    """A stage's error is an end like another; the reason lies beside the run."""
    run = backend.submit("key-1", {"max_iterations": FAILING})
    assert backend.wait(run) is RunState.FAILED
    assert "2 of 3 records are bad" in (backend.folder / "key-1" / "result.json").read_text()
    backend.submit("key-1", {"max_iterations": FAILING})
    assert executions(backend, "key-1") == 1


def test_killed_run_is_failed_and_can_be_run_again(backend):
    """What was cut short holds no lock: it is seen at once, and the key's next submission runs."""
    run = backend.submit("key-1", {"max_iterations": SLOW})
    while not executions(backend, "key-1"):
        time.sleep(0.05)
    kill_group(backend, "key-1")
    assert backend.state(run) is RunState.FAILED
    assert backend.wait(backend.submit("key-1", {"max_iterations": 1})) is RunState.SUCCEEDED


def kill_group(backend, key):
    """The run leads a session of its own; its command line names the folder."""
    folder = str(backend.folder / key)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            arguments = path.read_text().split("\0")
            if folder in arguments and "clinical_ner.resubmit.local_run" in arguments:
                os.killpg(int(path.parent.name), signal.SIGKILL)
    while backend.state(RunReference(run_id=key, link="")) is RunState.RUNNING:
        time.sleep(0.02)


def test_unknown_key_is_missing(backend):
    """A run that never was is not failed."""
    assert backend.state(RunReference(run_id="nowhere", link="")) is RunState.MISSING


def test_run_at_an_endpoint_is_not_looked_for_here(backend):
    """A monitor without kfp_host says so, instead of taking an approved run for a lost one."""
    with pytest.raises(PipelineRunError, match=r"KFP endpoint .https://kfp/#/runs/details/r., and kfp_host is empty"):
        backend.state(RunReference(run_id="r", link="https://kfp/#/runs/details/r"))


def test_missing_package_is_refused(tmp_path):
    """Without a compiled pipeline nothing is started; the message says how to make one."""
    with pytest.raises(ConfigError, match="no compiled pipeline there; write one by `python -m pipelines compile`"):
        LocalBackend(tmp_path / "none.yaml", tmp_path / "runs").submit("key-1", {})
    assert not (tmp_path / "runs").exists()
