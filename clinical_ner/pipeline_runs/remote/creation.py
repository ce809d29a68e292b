"""Creating one run, although the KFP API has no atomic create.

Measured on the real server: one ``run_id`` posted twice gives 200, then 500, and two workflows that both execute; a time-out
or a killed server leaves a workflow that runs. So the id is chosen here, asked for first, and never posted again before the
server has said for minutes that it does not have it.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import kfp_server_api
from kfp_server_api import ApiException

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote.endpoint import Endpoint, Failure, is_unclear, status_of
from clinical_ner.pipeline_runs.remote.versions import PipelineVersion, equals_filter

T = TypeVar("T")

SETTLE_SECONDS = 150
"""How long a run may take to appear after a create without a clear reply: more than two minutes."""

_POLL_SECONDS = 5
_POSTS = 2
_RUN_KEYS = uuid.UUID("6f1f2a4e-7d0c-5a53-9c0b-2f0a3a0e6b11")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is made of, but for its id."""

    name: str
    experiment_id: str
    version: PipelineVersion
    arguments: Mapping[str, object]
    service_account: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a run whose creation is in doubt, in seconds; the sleep is passed in."""

    settle_seconds: float = SETTLE_SECONDS
    poll_seconds: float = _POLL_SECONDS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def longest_create(self, request_seconds: float) -> float:
        """Seconds after which a :func:`create_run` that began has ended, or its process is dead."""
        return _POSTS * (self.settle_seconds + self.poll_seconds + 2 * request_seconds)


def run_id_for(key: str | None) -> str:
    """The same ``key`` always names the same run; without one the id is new."""
    return str(uuid.uuid5(_RUN_KEYS, key) if key else uuid.uuid4())


def run_exists(endpoint: Endpoint, run_id: str) -> bool:
    """Whether the server has the run.

    Raises:
        PipelineRunError: it gave no clear answer; only a 404 means no.
    """
    return find_run(endpoint, run_id) is not None


def find_run(endpoint: Endpoint, run_id: str) -> kfp_server_api.V2beta1Run | None:
    """The run as the server has it now, or None when it says that it has none.

    Raises:
        PipelineRunError: it gave no clear answer; only a 404 means no.
    """
    with endpoint.reporting(f"look for run {run_id}"):
        try:
            return endpoint.runs.run_service_get_run(run_id, _request_timeout=endpoint.timeout)
        except ApiException as error:
            if status_of(error) == 404:
                return None
            raise


def create_run(endpoint: Endpoint, run_id: str, request: RunRequest, patience: Patience) -> None:
    """Create the run ``run_id``, which the server does not have yet; after this call it has it once.

    Two callers of one ``run_id`` at the same moment are not kept apart here: that takes a mutex around this function
    (:mod:`clinical_ner.pipeline_runs.remote.mutex`).

    Raises:
        PipelineRunError: the server refused, or never gave a clear reply; then the run may or may not exist.
    """
    body = _body(run_id, request)
    action = f"create run {run_id}"
    for attempt in range(_POSTS):
        with endpoint.reporting(action):
            try:
                endpoint.runs.run_service_create_run(body, _request_timeout=endpoint.timeout)
            except Failure as error:
                if not is_unclear(error):
                    raise
                if appears(endpoint, run_id, patience):
                    return
                if attempt + 1 == _POSTS:
                    raise
            else:
                return


def experiment_id(endpoint: Endpoint, name: str, namespace: str) -> str:
    """The experiment of that name, created when there is none.

    Raises:
        ConfigError: it is archived, which the server takes no runs in.
    """
    experiment = find_experiment(endpoint, name, namespace)
    if experiment is None:
        body = kfp_server_api.V2beta1Experiment(display_name=name, namespace=namespace or None)
        with endpoint.reporting(f"create experiment {name}"):
            try:
                experiment = endpoint.experiments.experiment_service_create_experiment(body, _request_timeout=endpoint.timeout)
            except ApiException as error:
                if status_of(error) != 409 or (experiment := find_experiment(endpoint, name, namespace)) is None:
                    raise
    if experiment.storage_state == "ARCHIVED":
        raise ConfigError(f"experiment {name} is archived and takes no runs: restore it in the UI, or choose another")
    return str(experiment.experiment_id)


def find_experiment(endpoint: Endpoint, name: str, namespace: str) -> kfp_server_api.V2beta1Experiment | None:
    with endpoint.reporting(f"look up experiment {name}"):
        reply = endpoint.experiments.experiment_service_list_experiments(
            namespace=namespace, filter=equals_filter("display_name", name), _request_timeout=endpoint.timeout
        )
    return next(iter(reply.experiments or []), None)


def appears(endpoint: Endpoint, run_id: str, patience: Patience) -> bool:
    """Ask for the run until it is there; False only when the server, at the end, says clearly that it is not."""
    return look_until_there(lambda: find_run(endpoint, run_id), f"run {run_id}", patience) is not None


def look_until_there(look: Callable[[], T | None], what: str, patience: Patience) -> T | None:
    """Call ``look`` until it finds something or patience ends; None only when the last look was clear.

    Raises:
        PipelineRunError: the server gave no clear answer to the last look; ``what`` may or may not have been created.
    """
    deadline = patience.clock() + patience.settle_seconds
    while True:
        doubt = None
        try:
            if (found := look()) is not None:
                return found
        except PipelineRunError as error:
            doubt = error
        if patience.clock() >= deadline:
            if doubt:
                raise PipelineRunError(
                    f"{what} may or may not have been created: {doubt}. Look for it in the UI before submitting again"
                ) from doubt
            return None
        patience.sleep(patience.poll_seconds)


def _body(run_id: str, request: RunRequest) -> kfp_server_api.V2beta1Run:
    # kfp.Client.run_pipeline cannot choose the id.
    return kfp_server_api.V2beta1Run(
        run_id=run_id,
        display_name=request.name,
        experiment_id=request.experiment_id,
        pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
            pipeline_id=request.version.pipeline_id, pipeline_version_id=request.version.version_id
        ),
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(request.arguments)),
        service_account=request.service_account or None,
    )
