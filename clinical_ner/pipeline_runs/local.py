"""Running a compiled pipeline on this machine by KFP's local runner."""

import builtins
import contextlib
import itertools
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import kfp.local
from kfp.components import load_component_from_file

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.progress import LineSink, RunProgress

ARTIFACTS = "artifacts"
LOG = "run.log"
Runner: TypeAlias = kfp.local.SubprocessRunner | kfp.local.DockerRunner


def run_locally(
    package: Path, arguments: Mapping[str, object], output: Path, progress: RunProgress, runner: Runner | None = None
) -> None:
    """Execute the compiled pipeline ``package``, the very file that would be uploaded.

    Each stage is a process of its own, or with KFP's ``DockerRunner`` a container, which sees ``output/artifacts`` and what
    the runner mounts. Artifacts go there, all that stages print into ``output/run.log``. KFP's local runner keeps its
    configuration in the process: one run at a time.

    Raises:
        PipelineRunError: a stage failed; the message names it, its last error line and the log.
    """
    output.mkdir(parents=True, exist_ok=True)
    pipeline = load_component_from_file(str(package))
    with (output / LOG).open("w", encoding="utf-8") as log, _scratch_folder(), _kept_output():
        chosen = runner or kfp.local.SubprocessRunner(use_venv=False)
        kfp.local.init(runner=chosen, pipeline_root=str(output / ARTIFACTS), raise_on_error=True)
        try:
            with contextlib.redirect_stdout(LineSink(log, progress)), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # KFP tells of settings for clusters that do nothing on one machine
                pipeline(**arguments)
        except RuntimeError as error:
            log.flush()
            raise PipelineRunError(_failure(progress, output / LOG)) from error


def _failure(progress: RunProgress, log: Path) -> str:
    step = progress.failed()
    return f"stage {step.task if step else '(none)'} failed: {_last_error(log)}\nits log: {log}"


def _last_error(log: Path) -> str:
    """The end of the last traceback: the exception and its message, up to a blank line; it names no note text."""
    _, found, rest = log.read_text(encoding="utf-8").rpartition(" clinical_ner.errors.")
    lines = itertools.takewhile(bool, map(str.strip, rest.splitlines()))
    return "\n".join(lines) if found else "see the log"


@contextlib.contextmanager
def _kept_output() -> Iterator[None]:
    """Put back what KFP's local runner replaces: with two tasks at once it forgets what was there before."""
    kept_print, root = builtins.print, logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        builtins.print = kept_print
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _scratch_folder() -> Iterator[None]:
    """A temporary folder for the run: KFP's local runner leaves one behind for every task."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="clinical-ner-") as folder:
        os.environ["TMPDIR"], tempfile.tempdir = folder, None
        try:
            yield
        finally:
            tempfile.tempdir = None
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before
