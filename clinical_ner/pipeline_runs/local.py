"""Running a compiled pipeline on this machine by KFP's local runner."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import kfp.local
from kfp.components import load_component_from_file

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.progress import LineSink, RunProgress

ARTIFACTS = "artifacts"
LOG = "run.log"


def run_locally(package: Path, arguments: Mapping[str, object], output: Path, progress: RunProgress) -> None:
    """Execute the compiled pipeline ``package``, the very file that would be uploaded, each stage in a process of its own.

    Artifacts go under ``output/artifacts``, all that stages print into ``output/run.log``. KFP's local runner keeps its
    configuration in the process: one run at a time.

    Raises:
        PipelineRunError: a stage failed; the message names it, its last error line and the log.
    """
    output.mkdir(parents=True, exist_ok=True)
    pipeline = load_component_from_file(str(package))
    with (output / LOG).open("w", encoding="utf-8") as log, _scratch_folder():
        kfp.local.init(
            runner=kfp.local.SubprocessRunner(use_venv=False), pipeline_root=str(output / ARTIFACTS), raise_on_error=True
        )
        try:
            with contextlib.redirect_stdout(LineSink(log, progress)):
                pipeline(**arguments)
        except RuntimeError as error:
            log.flush()
            raise PipelineRunError(_failure(progress, output / LOG)) from error


def _failure(progress: RunProgress, log: Path) -> str:
    step = progress.failed()
    return f"stage {step.task if step else '(none)'} failed: {_last_error(log)}\nits log: {log}"


def _last_error(log: Path) -> str:
    """The last line of a traceback: the exception and its message, which name no note text."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines()]
    errors = [line for line in lines if line.startswith("clinical_ner.errors.")]
    return errors[-1].removeprefix("clinical_ner.errors.") if errors else "see the log"


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
