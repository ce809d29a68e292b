"""``clinical-ner rollout``: a version goes live step by step, and back."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from clinical_ner.cli.options import DEFAULT_NAME, AsJson, ModelName, Reason, RegistryUri, open_registry
from clinical_ner.cli.rollout_controller import controller
from clinical_ner.cli.rollout_doctor import doctor
from clinical_ner.cli.rollout_orders import abort, approve, promote, rollback
from clinical_ner.cli.rollout_running import REFRESH_SECONDS, carry_out, watch
from clinical_ner.cli.rollout_services import DEFAULT_TARGET, Asker, Name, PlanFile, TargetAddress, open_service
from clinical_ner.cli.rollout_tables import plan_limits, plan_table, rollout_line, rollout_record
from clinical_ner.cli.rollout_targets import local_folder
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError, RolloutError
from clinical_ner.rollout.explanation import explain as explain_rollout
from clinical_ner.rollout.plan import DEFAULT_PLAN, RolloutPlan, parse_plan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.specs import make_rollout
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.targets import ModelReference

app = typer.Typer(help="Roll an approved version out step by step, watch it, stop it, go back.", no_args_is_help=True)
app.command()(doctor)

for command in (approve, promote, abort, rollback, controller):
    app.command()(command)

DEFAULT_PORT = 8080
Interval = Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")]


@app.command()
def plan(plan_file: PlanFile = None, as_json: AsJson = False) -> None:
    """Check a plan, and show it with what it leaves to defaults.

    Example: clinical-ner rollout plan --plan careful.yaml
    """
    chosen = _read_plan(plan_file)
    if as_json:
        typer.echo(chosen.model_dump_json(indent=2))
        return
    console = Console()
    console.print(plan_table(chosen), *plan_limits(chosen), sep="\n", highlight=False)


@app.command()
def start(  # a command's options are its parameters
    version: Annotated[str, typer.Argument(help="A version such as v3, or latest.")],
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Asker = "",
    name: ModelName = DEFAULT_NAME,
    plan_file: PlanFile = None,
    target: TargetAddress = DEFAULT_TARGET,
) -> None:
    """Ask for the rollout of a version, which `run` or a cluster's controller carries out. Asked twice, it is one rollout.

    The live one it brings back to a service that has lost it: in one step, not judged, and the registry stays as it is.

    Example: clinical-ner rollout start v3 --reason "better on the new site"
    """
    service = open_service(registry_uri, name, target)
    known, cause = service.rollouts.all(), service.cause(actor, reason)
    plan = _read_plan(plan_file) if plan_file else None
    spec = make_rollout(service.storage, name, version, plan, [each.spec.name for each in known], cause)
    same = next((each for each in known if each.spec.digest == spec.digest and not each.status.ended), None)
    if not same and spec.returns_live:
        _check_alone(spec.version, find_active(known))
    stored = same or service.rollouts.create(spec)
    typer.echo(f"rollout {stored.spec.name} of {name} {stored.spec.version} {'is there already' if same else 'was made'}")


@app.command()
def run(
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
    interval: Interval = REFRESH_SECONDS,
) -> None:
    """Carry out all rollouts of a local service until each has ended; stopped anywhere, it goes on when run again.

    Ends with status 1 when the last of them did not succeed.

    Example: clinical-ner rollout run --target local:service
    """
    service = open_service(registry_uri, name, target)
    if service.on_cluster:
        raise ConfigError(
            f"--target {target}: the controller in that cluster (`clinical-ner rollout controller`) carries its rollouts out; "
            "`clinical-ner rollout status` watches it"
        )
    ended = carry_out(service, interval)
    if not ended:
        typer.echo(f"no rollout of {name} was ever asked for")
    elif ended[-1].status.phase is not Phase.SUCCEEDED:
        raise typer.Exit(1)


@app.command()
def status(
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    once: Annotated[bool, typer.Option("--once", help="Show it once, instead of until all have ended.")] = False,
    as_json: AsJson = False,
    target: TargetAddress = DEFAULT_TARGET,
) -> None:
    """Show the rollouts of a model: a live table on a terminal, a line each elsewhere.

    Example: clinical-ner rollout status
    """
    rollouts, console = open_service(registry_uri, name, target).rollouts, Console()
    known = rollouts.all()
    if as_json:
        typer.echo(orjson.dumps([rollout_record(each) for each in known], option=orjson.OPT_INDENT_2).decode())
    elif not known:
        typer.echo(f"no rollouts of {name}")
    elif not console.is_terminal:
        for each in known:
            typer.echo(rollout_line(each, utc_now()))
    else:
        watch(rollouts, console, once=once)


@app.command()
def explain(
    registry_uri: RegistryUri, rollout: Name = None, name: ModelName = DEFAULT_NAME, target: TargetAddress = DEFAULT_TARGET
) -> None:
    """Say in a paragraph why a rollout stands where it stands, and what it waits for.

    Example: clinical-ner rollout explain
    """
    stored = open_service(registry_uri, name, target).choose(rollout, ended=True)
    Console().print(explain_rollout(stored.spec, stored.status), highlight=False, markup=False)


@app.command()
def serve(
    registry_uri: RegistryUri,
    name: Annotated[str | None, typer.Option(help="The model's name.", show_default=DEFAULT_NAME)] = None,
    target: TargetAddress = DEFAULT_TARGET,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on this machine that callers use.", show_default="8080")
    ] = None,
    server_option: Annotated[
        list[str] | None, typer.Option(help="Passed on to each model server, {version} in it replaced; may be repeated.")
    ] = None,
) -> None:
    """Run the live version as a local service until interrupted: for a laptop, not for production.

    A service that was run in its folder before goes on as it was; another name, port or option is then refused.

    Example: clinical-ner rollout serve --target local:service --port 8080
    """
    from clinical_ner.rollout.local.launching import new_state, run_service
    from clinical_ner.rollout.local.state import check_unchanged, read_state

    folder, model = local_folder(target), name or DEFAULT_NAME
    if kept := read_state(folder):
        check_unchanged(kept, model=name, port=port, options=server_option)
    live = open_registry(registry_uri).champion(model)
    stable = ModelReference(live.version, live.digest, live.uri) if live else None
    run_service(folder, typer.echo, new_state(model, port or DEFAULT_PORT, server_option or (), stable))


def _check_alone(live: str, active: Stored | None) -> None:
    """A lost service would be given to the version of a rollout that is under way, which comes first."""
    if active:
        name = active.spec.name
        raise RolloutError(
            f"{live} is live, and rollout {name} of {active.spec.version} is under way: wait for its end, or end it by "
            f"`clinical-ner rollout abort {name}`; then start {live} again"
        )


def _read_plan(path: Path | None) -> RolloutPlan:
    return parse_plan(path.read_bytes(), source=str(path)) if path else DEFAULT_PLAN
