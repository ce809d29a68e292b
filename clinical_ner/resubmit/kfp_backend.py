"""Training runs at a Kubeflow Pipelines endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.creation import find_run
from clinical_ner.pipeline_runs.remote.submission import open_endpoint
from clinical_ner.resubmit.backends import RunReference, RunState
from clinical_ner.resubmit.package_source import check_package

_STATES = {
    "SUCCEEDED": RunState.SUCCEEDED,
    "SKIPPED": RunState.SUCCEEDED,
    "FAILED": RunState.FAILED,
    "CANCELED": RunState.FAILED,
}


@dataclass(frozen=True, slots=True)
class KfpBackend:
    """:class:`~clinical_ner.resubmit.backends.Backend` over the KFP API: the run's id follows from the key."""

    package: Path
    options: SubmitOptions

    def submit(self, key: str, parameters: Mapping[str, object]) -> RunReference:
        check_package(self.package)
        name = f"resubmission {key[:12]}, attempt {key.rpartition('-')[2]}"
        run = submit(self.package, parameters, replace(self.options, key=key, run_name=name))
        return RunReference(run_id=run.run_id, link=run.link)

    def state(self, reference: RunReference) -> RunState:
        """PENDING, RUNNING, and no state at all, which a new run has for a moment, are ``running``."""
        run = find_run(open_endpoint(self.options), reference.run_id)
        return _STATES.get(run.state or "", RunState.RUNNING) if run else RunState.MISSING
