"""``python -m pipelines submit``: a run of either pipeline at a KFP endpoint."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clinical_ner.pipeline_runs.progress import ProgressDisplay
from pipelines.default_command import TrainingByDefault
from pipelines.definitions import DEFINITIONS, Definition
from pipelines.endpoint_options import (
    DEFAULT_EXPERIMENT,
    DEFAULT_HOST,
    AllowFileUris,
    Experiment,
    Host,
    Namespace,
    ServiceAccount,
    defaults_in_cluster,
    submit_options,
    with_namespace,
)
from pipelines.parameters import with_pipeline_parameters

HELP = """Run a compiled pipeline on a Kubeflow Pipelines endpoint; the token comes from CLINICAL_NER_KFP_TOKEN.

`submit` with options only is `submit training`."""

app = typer.Typer(help=HELP, cls=TrainingByDefault, no_args_is_help=True, rich_markup_mode="markdown")


def _command(definition: Definition) -> Callable[..., None]:
    @with_pipeline_parameters(definition.function, **defaults_in_cluster(definition))
    def submit_command(  # noqa: PLR0913, PLR0917  # a command's options are its parameters
        parameters: dict[str, object],
        host: Host = DEFAULT_HOST,
        package: Annotated[
            Path, typer.Option(help="Compiled pipeline, as `compile` wrote it.", show_default=f"the {definition.word} pipeline")
        ] = definition.compiled,
        namespace: Namespace = "",
        experiment: Experiment = DEFAULT_EXPERIMENT,
        run_name: Annotated[str, typer.Option(help="Name of the run.", show_default="made of the pipeline's name")] = "",
        service_account: ServiceAccount = "",
        key: Annotated[str, typer.Option(help="Submitting twice with one key gives one run.")] = "",
        wait: Annotated[bool, typer.Option(help="Wait until the run ends and show its steps.")] = True,
        timeout_seconds: Annotated[int, typer.Option(help="Stop waiting after this time; the run goes on.")] = 6 * 3600,
        allow_file_uris: AllowFileUris = False,
        quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    ) -> None:
        from clinical_ner.pipeline_runs.remote import submit, wait_for_run  # brings the Kubernetes client

        options = submit_options(
            host,
            namespace,
            experiment=experiment,
            run_name=run_name,
            service_account=service_account,
            key=key or None,
            allow_file_uris=allow_file_uris,
        )
        run = submit(package, with_namespace(parameters, namespace), options)
        typer.echo(f"run {run.run_id}{'' if run.created else ' (submitted before under this key)'}: {run.link}")
        if wait:
            with ProgressDisplay(Console(file=sys.stdout), quiet=quiet) as progress:
                wait_for_run(run, progress, timeout_seconds=timeout_seconds)

    return submit_command


for _definition in DEFINITIONS:
    app.command(_definition.word, help=f"Run the {_definition.word} pipeline.")(_command(_definition))
