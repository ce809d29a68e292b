"""Submitting a compiled pipeline to a Kubeflow Pipelines endpoint, watching the run, and scheduling runs.

Three steps: everything that can be wrong is refused before a byte is sent (``checks``), the compiled file becomes a pipeline
version when its digest is new (``versions``), and one run is created under an id that this side chose (``creation``). Schedules
are KFP's recurring runs, one for a name (``scheduling``).
"""

from clinical_ner.pipeline_runs.remote.submission import SubmitOptions, SubmittedRun, submit
from clinical_ner.pipeline_runs.remote.watching import wait_for_run

__all__ = ["SubmitOptions", "SubmittedRun", "submit", "wait_for_run"]
