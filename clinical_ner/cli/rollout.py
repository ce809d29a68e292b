"""``clinical-ner rollout``: a version goes live step by step, and back."""

import time
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console

from clinical_ner.cli.options import DEFAULT_NAME, Actor, AsJson, ModelName, Reason, RegistryUri, open_registry
from clinical_ner.cli.rollout_doctor import doctor
from clinical_ner.cli.rollout_running import REFRESH_SECONDS, carry_out, watch
from clinical_ner.cli.rollout_tables import plan_limits, plan_table, rollout_line, rollout_record
from clinical_ner.cli.rollout_targets import local_folder
from clinical_ner.clock import utc_now
from clinical_ner.errors import NotFound
from clinical_ner.rollout.explanation import explain as explain_rollout
from clinical_ner.rollout.plan import DEFAULT_PLAN, RolloutPlan, parse_plan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.specs import check_gate, make_release
from clinical_ner.rollout.status import Abort, Approval, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.rollout.way_back import order_way_back
from clinical_ner.storage import open_storage
from clinical_ner.version_states import Cause

app = typer.Typer(help="Roll an approved version out step by step, watch it, stop it, go back.", no_args_is_help=True)
app.command()(doctor)

TargetAddress = Annotated[str, typer.Option("--target", help="The service: local:FOLDER for one on this machine.")]
Name = Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="Its name; the one under way when left out.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", exists=True, dir_okay=False, help="YAML or JSON; 1, 10, 50, 100 % when left out.")
]
Interval = Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")]
DEFAULT_TARGET = "local:service"


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
    actor: Actor,
    name: ModelName = DEFAULT_NAME,
    plan_file: PlanFile = None,
) -> None:
    """Ask for the rollout of a version; `run` carries it out. Asked twice, it is one rollout.

    Example: clinical-ner rollout start v3 --reason "better on the new site"
    """
    rollouts = _open_rollouts(registry_uri, name)
    known = rollouts.all()
    cause = Cause(actor, utc_now(), reason)
    spec = make_release(rollouts.storage, name, version, _read_plan(plan_file), [each.spec.name for each in known], cause)
    same = next((each for each in known if each.spec.digest == spec.digest and not each.status.ended), None)
    stored = same or rollouts.create(spec)
    typer.echo(f"rollout {stored.spec.name} of {name} {stored.spec.version} {'is there already' if same else 'was made'}")


@app.command()
def run(
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
    interval: Interval = REFRESH_SECONDS,
) -> None:
    """Carry out all rollouts that were asked for, until each has ended; stopped anywhere, it goes on when run again.

    Ends with status 1 when the last of them did not succeed.

    Example: clinical-ner rollout run --target local:service
    """
    ended = carry_out(_open_rollouts(registry_uri, name), target, interval)
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
) -> None:
    """Show the rollouts of a model: a live table on a terminal, a line each elsewhere.

    Example: clinical-ner rollout status
    """
    rollouts, console = _open_rollouts(registry_uri, name), Console()
    known = rollouts.all()
    if as_json:
        typer.echo(orjson.dumps([rollout_record(each) for each in known], option=orjson.OPT_INDENT_2).decode())
    elif not known:
        typer.echo(f"no rollouts of {name} in {registry_uri}")
    elif not console.is_terminal:
        for each in known:
            typer.echo(rollout_line(each, utc_now()))
    else:
        watch(rollouts, console, once=once)


@app.command()
def explain(registry_uri: RegistryUri, rollout: Name = None, name: ModelName = DEFAULT_NAME) -> None:
    """Say in a paragraph why a rollout stands where it stands, and what it waits for.

    Example: clinical-ner rollout explain
    """
    stored = _choose(_open_rollouts(registry_uri, name), rollout, ended=True)
    Console().print(explain_rollout(stored.spec, stored.status), highlight=False, markup=False)


@app.command()
def approve(
    reason: Reason, registry_uri: RegistryUri, actor: Actor, rollout: Name = None, name: ModelName = DEFAULT_NAME
) -> None:
    """Approve what the plan asks a person about: the start, or the step to 100 %.

    Example: clinical-ner rollout approve --reason "read the model card"
    """
    rollouts = _open_rollouts(registry_uri, name)
    stored = _choose(rollouts, rollout)
    _approve(rollouts, stored, "start" if stored.spec.plan.approval == "before-start" else "promotion", actor, reason)


@app.command()
def promote(
    reason: Reason, registry_uri: RegistryUri, actor: Actor, rollout: Name = None, name: ModelName = DEFAULT_NAME
) -> None:
    """Approve the step to 100 %, which is still taken only when the steps before it pass.

    Example: clinical-ner rollout promote --reason "the ward is content"
    """
    rollouts = _open_rollouts(registry_uri, name)
    _approve(rollouts, _choose(rollouts, rollout), "promotion", actor, reason)


@app.command()
def abort(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Actor,
    rollout: Name = None,
    name: ModelName = DEFAULT_NAME,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the version too: it is never approved again.")] = False,
) -> None:
    """End a rollout: all traffic goes back to the stable version.

    Example: clinical-ner rollout abort --reason "wrong corpus"
    """
    rollouts = _open_rollouts(registry_uri, name)
    stored = _choose(rollouts, rollout)
    cause = Cause(actor, utc_now(), reason).check()
    rollouts.abort(stored.spec.name, Abort(**cause._asdict(), withdraw=withdraw))
    typer.echo(f"rollout {stored.spec.name} is to end; whoever runs it takes everything back")


@app.command()
def rollback(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Actor,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Carry it out, and print how long it took.")] = True,
) -> None:
    """Withdraw what is being rolled out, or else the live version, and have the version before serve everybody.

    Example: clinical-ner rollout rollback --reason "the ward reports missing drugs"
    """
    rollouts, began = _open_rollouts(registry_uri, name), time.monotonic()
    typer.echo(order_way_back(rollouts, rollouts.storage, name, Cause(actor, utc_now(), reason)))
    if not wait:
        return
    last = carry_out(rollouts, target, REFRESH_SECONDS / 4)[-1]
    typer.echo(f"{last.status.reason}: {time.monotonic() - began:.1f} s from the order to the end")
    if last.status.phase is Phase.FAILED:
        raise typer.Exit(1)


@app.command()
def serve(
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine that callers use.")] = 8080,
    server_option: Annotated[
        list[str] | None, typer.Option(help="Passed on to each model server, {version} in it replaced; may be repeated.")
    ] = None,
) -> None:
    """Run the live version as a local service until interrupted: for a laptop, not for production.

    A service that was run in its folder before goes on as it was.

    Example: clinical-ner rollout serve --target local:service --port 8080
    """
    from clinical_ner.rollout.local.launching import new_state, run_service

    live = open_registry(registry_uri).champion(name)
    stable = ModelReference(live.version, live.digest, live.uri) if live else None
    run_service(local_folder(target), new_state(name, port, server_option or (), stable))


def _open_rollouts(registry_uri: str, name: str) -> StoredRollouts:
    return StoredRollouts(open_storage(registry_uri), name)


def _read_plan(path: Path | None) -> RolloutPlan:
    return parse_plan(path.read_bytes(), source=str(path)) if path else DEFAULT_PLAN


def _choose(rollouts: StoredRollouts, rollout: str | None, *, ended: bool = False) -> Stored:
    """The named one, or the one under way; with ``ended`` the last one when none is."""
    if rollout:
        return rollouts.read(rollout)
    known = rollouts.all()
    chosen = find_active(known) or (known[-1] if known and ended else None)
    if chosen is None:
        raise NotFound("no rollout is under way; `clinical-ner rollout status` shows all")
    return chosen


def _approve(rollouts: StoredRollouts, stored: Stored, gate: Literal["start", "promotion"], actor: str, reason: str) -> None:
    check_gate(stored.spec, gate)
    cause = Cause(actor, utc_now(), reason).check()
    rollouts.approve(stored.spec.name, Approval(gate=gate, **cause._asdict()))
    typer.echo(f"{actor} approved the {gate} of rollout {stored.spec.name}")
