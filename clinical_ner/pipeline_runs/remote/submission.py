"""From a compiled file and arguments to a run at a KFP endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clinical_ner.errors import ConfigError
from clinical_ner.pipeline_runs.remote.checks import check_arguments
from clinical_ner.pipeline_runs.remote.creation import Patience, RunRequest, create_run, experiment_id, run_exists, run_id_for
from clinical_ner.pipeline_runs.remote.endpoint import IN_CLUSTER_TOKEN, Endpoint, connect
from clinical_ner.pipeline_runs.remote.mutex import create_run_once
from clinical_ner.pipeline_runs.remote.package import Package, read_package
from clinical_ner.pipeline_runs.remote.versions import find_or_upload

MAX_NAME_CHARACTERS = 255
"""The API answers 500 to a longer name, and runs the pipeline all the same."""

_SHORTEST_SECRET = 8
"""Shorter argument values are not looked for in the server's words: they are words of its own too."""


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """Where and as what to submit.

    ``namespace`` is the profile of a multi-user Kubeflow, empty for a single-user one. ``service_account`` overrides the one
    noted in the package. ``key`` makes the submission repeatable: one key, one run. ``token`` is never shown; in a cluster,
    without one, the pod's own at ``token_file`` is used. ``ui_host`` is where the UI is, when not at ``host``.
    """

    host: str
    namespace: str = ""
    experiment: str = "clinical-ner"
    run_name: str = ""
    service_account: str = ""
    key: str | None = None
    token: str = field(default="", repr=False)
    token_file: Path = IN_CLUSTER_TOKEN
    ui_host: str = ""
    allow_file_uris: bool = False
    request_seconds: float = 60
    patience: Patience = field(default=Patience(), repr=False)


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """A run that the server has. ``created`` is False when its key had named it before."""

    run_id: str
    link: str
    namespace: str
    steps: frozenset[str]
    endpoint: Endpoint = field(repr=False)
    created: bool = True
    version: str = ""
    version_uploaded: bool = False


def submit(package_path: Path, arguments: Mapping[str, object], options: SubmitOptions) -> SubmittedRun:
    """Run the compiled pipeline at the endpoint and return when the run exists there, not when it ends.

    Nothing is sent before the arguments are found to be right. The package is uploaded when its digest is new.

    Raises:
        ConfigError: package, arguments or options are wrong; the message says what to do.
        PipelineRunError: the endpoint refused, failed or could not be reached.
    """
    package = read_package(package_path)
    check_arguments(package, arguments, allow_file_uris=options.allow_file_uris)
    run_id = run_id_for(options.key)
    name = options.run_name or f"{package.name} {run_id[:8]}"
    check_name("run name", name)
    check_name("experiment", options.experiment)
    endpoint = open_endpoint(options, private_values(package, arguments))
    if options.key and run_exists(endpoint, run_id):
        return _submitted(endpoint, package, options, run_id, created=False)
    return _create(endpoint, package, arguments, options, run_id, name)


def open_endpoint(options: SubmitOptions, secrets: frozenset[str] = frozenset()) -> Endpoint:
    """The connection that ``options`` describe; nothing is sent.

    Raises:
        ConfigError: the host is not an address.
    """
    return connect(
        options.host, options.token, token_file=options.token_file, read_seconds=options.request_seconds, secrets=secrets
    )


def private_values(package: Package, arguments: Mapping[str, object]) -> frozenset[str]:
    """Argument values that no message may repeat: all texts but those that the package itself gives as defaults."""
    return frozenset(
        value
        for name, value in arguments.items()
        if isinstance(value, str) and len(value) >= _SHORTEST_SECRET and value != package.parameters[name].default
    )


def _create(
    endpoint: Endpoint, package: Package, arguments: Mapping[str, object], options: SubmitOptions, run_id: str, name: str
) -> SubmittedRun:
    version = find_or_upload(endpoint, package, options.namespace)
    request = RunRequest(
        name=name,
        experiment_id=experiment_id(endpoint, options.experiment, options.namespace),
        version=version,
        arguments=arguments,
        service_account=options.service_account or package.service_account,
    )
    created = True
    if options.key:
        created = create_run_once(endpoint, run_id, request, options.namespace, options.patience)
    else:
        create_run(endpoint, run_id, request, options.patience)
    return _submitted(
        endpoint, package, options, run_id, created=created, version=version.name, version_uploaded=version.uploaded
    )


def _submitted(
    endpoint: Endpoint,
    package: Package,
    options: SubmitOptions,
    run_id: str,
    *,
    created: bool = True,
    version: str = "",
    version_uploaded: bool = False,
) -> SubmittedRun:
    return SubmittedRun(
        run_id=run_id,
        link=f"{(options.ui_host or options.host).rstrip('/')}/#/runs/details/{run_id}",
        namespace=options.namespace,
        steps=package.steps,
        endpoint=endpoint,
        created=created,
        version=version,
        version_uploaded=version_uploaded,
    )


def check_name(what: str, name: str) -> None:
    """Refuse a name that KFP does not take, or takes and fails over, by a ConfigError."""
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise ConfigError(f"the {what} has {len(name)} characters; KFP takes 1 to {MAX_NAME_CHARACTERS}")
