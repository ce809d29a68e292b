"""``python -m pipelines schedule``: a pipeline again and again at a KFP endpoint, by its recurring runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import typer

from clinical_ner.cli.options import AsJson
from pipelines.default_command import MonitoringByDefault
from pipelines.definitions import DEFINITIONS, MONITORING, Definition
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

HELP = """Run a compiled pipeline again and again on a Kubeflow Pipelines endpoint, as a recurring run of it.

`schedule` with options only is `schedule monitoring`. Asked for twice, the same schedule is found; one run goes on at a time,
and missed times are not made up for."""

_SECONDS_PER_HOUR = 3600

app = typer.Typer(help=HELP, cls=MonitoringByDefault, no_args_is_help=True, rich_markup_mode="markdown")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the schedule, as `schedule list` shows it.")]


def _command(definition: Definition) -> Callable[..., None]:
    @with_pipeline_parameters(definition.function, **defaults_in_cluster(definition))
    def schedule_command(  # noqa: PLR0913, PLR0917  # a command's options are its parameters
        parameters: dict[str, object],
        cron: Annotated[str, typer.Option(help="When: minute hour day month weekday, or six fields with seconds first.")] = "",
        every_seconds: Annotated[
            int,
            typer.Option(
                help="Or how often.", show_default="window_hours" if definition is MONITORING else "give this or --cron"
            ),
        ] = 0,
        name: Annotated[str, typer.Option(help="Name of the schedule; there is one of each name.")] = definition.name,
        paused: Annotated[bool, typer.Option("--paused", help="Let it wait for `schedule resume`.")] = False,
        replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of another one of that name.")] = False,
        host: Host = DEFAULT_HOST,
        package: Annotated[
            Path, typer.Option(help="Compiled pipeline, as `compile` wrote it.", show_default=f"the {definition.word} pipeline")
        ] = definition.compiled,
        namespace: Namespace = "",
        experiment: Experiment = DEFAULT_EXPERIMENT,
        service_account: ServiceAccount = "",
        allow_file_uris: AllowFileUris = False,
    ) -> None:
        from clinical_ner.pipeline_runs.remote.scheduling import Plan, schedule  # brings the Kubernetes client
        from clinical_ner.pipeline_runs.remote.triggers import parse_trigger

        options = submit_options(
            host, namespace, experiment=experiment, service_account=service_account, allow_file_uris=allow_file_uris
        )
        trigger = parse_trigger(cron, every_seconds or (0 if cron else _window_seconds(parameters)))
        made = schedule(package, with_namespace(parameters, namespace), Plan(name, trigger, paused, replace), options)
        typer.echo(f"schedule {name} {made.outcome} ({trigger}): {made.link}")
        for note in made.notes:
            typer.echo(note)

    return schedule_command


for _definition in DEFINITIONS:
    app.command(_definition.word, help=f"Schedule the {_definition.word} pipeline.")(_command(_definition))


@app.command("list")
def list_command(host: Host = DEFAULT_HOST, namespace: Namespace = "", as_json: AsJson = False) -> None:
    """List all schedules of the namespace, oldest first."""
    from clinical_ner.pipeline_runs.remote.scheduling import schedules

    found = schedules(submit_options(host, namespace))
    if as_json:
        rows = [
            {"id": each.id, "name": each.name, "paused": each.paused, "trigger": str(each.trigger), "created": each.created}
            for each in found
        ]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for each in found:
        typer.echo(f"{each.id}  {'paused' if each.paused else 'active'}  {each.name}  {each.trigger}")
    if not found:
        typer.echo(f"no schedules at {host}")


@app.command("pause")
def pause_command(name: Name, host: Host = DEFAULT_HOST, namespace: Namespace = "") -> None:
    """Start no more runs; one that goes on is left alone."""
    from clinical_ner.pipeline_runs.remote.scheduling import pause

    for each in pause(name, submit_options(host, namespace)):
        typer.echo(f"paused {each.name} ({each.id})")


@app.command("resume")
def resume_command(name: Name, host: Host = DEFAULT_HOST, namespace: Namespace = "") -> None:
    """Start runs again, from the next time on."""
    from clinical_ner.pipeline_runs.remote.scheduling import resume

    each = resume(name, submit_options(host, namespace))
    typer.echo(f"resumed {each.name} ({each.id})")


@app.command("delete")
def delete_command(
    name: Name,
    host: Host = DEFAULT_HOST,
    namespace: Namespace = "",
    stop_runs: Annotated[
        bool, typer.Option("--stop-runs", help="Delete it although a run goes on; KFP deletes that run's workflow with it.")
    ] = False,
) -> None:
    """Delete a schedule; while one of its runs goes on it is paused only, and the command ends with status 1."""
    from clinical_ner.pipeline_runs.remote.scheduling import delete

    for each in delete(name, submit_options(host, namespace), stop_runs=stop_runs):
        typer.echo(f"deleted {each.name} ({each.id})")


def _window_seconds(parameters: dict[str, object]) -> int:
    """The monitor's window, 0 for a pipeline without one."""
    return round(float(str(parameters.get("window_hours", 0))) * _SECONDS_PER_HOUR)
