"""Submitting from within a pipeline's step, where KFP loads only a part of itself."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["clinical_ner.pipeline_runs.remote", "clinical_ner.pipeline_runs.local"])
def test_pipelines_can_be_submitted_from_a_step(module):
    """Once KFP's executor is imported as in a step, what submits and runs pipelines can still be imported and used."""
    code = f"import kfp.dsl.executor_main, {module}; from clinical_ner.pipeline_runs.remote.endpoint import connect; "
    code += "print(type(connect('http://127.0.0.1:9', '')).__name__)"
    step = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "_KFP_RUNTIME": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (step.stdout.strip(), step.returncode) == ("Endpoint", 0), step.stderr
