"""Compiled pipelines through KFP's local runner in this process."""

import builtins
import logging
import os
import tempfile

import pytest
from kfp import compiler, dsl

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.local import run_locally
from clinical_ner.pipeline_runs.progress import RunProgress

pytestmark = pytest.mark.filterwarnings("default")


@dsl.component(base_image="python:3", install_kfp_package=False)
def number() -> list[int]:
    return [0, 1]


@dsl.component(base_image="python:3", install_kfp_package=False)
def helper(worker: int) -> int:
    import time

    time.sleep(0.4 * worker)  # the first iteration ends while the second runs
    print(f"helped worker={worker}")  # noqa: T201  # into the log of the run
    return worker


@dsl.component(base_image="python:3", install_kfp_package=False)
def check(value: int, report: dsl.Output[dsl.HTML]) -> str:
    from pathlib import Path

    from clinical_ner.errors import DataError

    if value == 7:
        reason = "2 of 3 records are bad:\nnotes.jsonl:2: text: empty\nnotes.jsonl:3: text: empty"
        raise DataError(reason) from DataError("an earlier error")
    if value == 8:
        raise ValueError("Zebulon Quartermain has gout")
    Path(report.path).write_text("<html>")
    return "approve"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A compiled pipeline with a loop of two, and a step that fails when told 7 or 8."""

    @dsl.pipeline(name="small")
    def small(value: int = 1) -> str:
        numbers = number()
        with dsl.ParallelFor(numbers.output) as worker:
            helper(worker=worker)
        return check(value=value).outputs["Output"]

    path = tmp_path_factory.mktemp("package") / "small.yaml"
    compiler.Compiler().compile(small, str(path))
    return path


def test_run_locally_leaves_artifacts_and_log(package, tmp_path):
    """Every step runs; its artifacts, and all that was printed, lie under the output folder."""
    progress = RunProgress()
    run_locally(package, {"value": 1}, tmp_path / "new" / "out", progress)
    (root,) = (tmp_path / "new" / "out" / "artifacts").iterdir()
    assert (root / "check" / "report").read_text() == "<html>"
    assert {step.task for step in progress.steps} == {"number", "helper", "check"}
    assert progress.seconds_by_task().keys() == {"number", "helper", "check"}
    log = (tmp_path / "new" / "out" / "run.log").read_text()
    assert all(f"worker={worker}" in log for worker in range(2))


def test_run_locally_leaves_the_process_as_it_was(package, tmp_path, capsys):
    """Printing, logging and temporary files are afterwards what they were, and nothing was printed here."""
    before = builtins.print, logging.getLogger().handlers[:], logging.getLogger().level
    folder, listed = tempfile.gettempdir(), os.environ.get("TMPDIR")
    run_locally(package, {}, tmp_path, RunProgress())
    assert (builtins.print, logging.getLogger().handlers[:], logging.getLogger().level) == before
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == (folder, listed)
    assert capsys.readouterr().out == ""


def test_failed_run_names_stage_error_and_log(package, tmp_path):
    """The message of a run that failed is the stage, every line of its own last error, and where the log lies."""
    with pytest.raises(PipelineRunError) as caught:
        run_locally(package, {"value": 7}, tmp_path, RunProgress())
    assert str(caught.value).splitlines() == [
        "stage check failed: DataError: 2 of 3 records are bad:",
        "notes.jsonl:2: text: empty",
        "notes.jsonl:3: text: empty",
        f"its log: {tmp_path / 'run.log'}",
    ]


def test_foreign_error_is_not_quoted(package, tmp_path):
    """The message of an error that is not of this library may hold note text: it stays in the log."""
    before = builtins.print
    with pytest.raises(PipelineRunError, match="stage check failed: see the log") as caught:
        run_locally(package, {"value": 8}, tmp_path, RunProgress())
    assert "Zebulon" not in str(caught.value)
    assert builtins.print is before
