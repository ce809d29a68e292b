"""What people order of a rollout: ``approve``, ``promote``, ``abort``, ``rollback``."""

import time
from typing import Annotated, Literal

import typer

from clinical_ner.cli.options import DEFAULT_NAME, ModelName, Reason, RegistryUri
from clinical_ner.cli.rollout_running import REFRESH_SECONDS, carry_out, wait_for_end
from clinical_ner.cli.rollout_services import DEFAULT_TARGET, Asker, Name, Service, TargetAddress, open_service
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.specs import check_gate
from clinical_ner.rollout.status import Abort, Approval, Phase
from clinical_ner.rollout.way_back import order_way_back
from clinical_ner.version_states import Cause


def approve(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Asker = "",
    rollout: Name = None,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
) -> None:
    """Approve what the plan asks a person about: the start, or the step to 100 %.

    Example: clinical-ner rollout approve --reason "read the model card"
    """
    service = open_service(registry_uri, name, target)
    stored = service.choose(rollout)
    _approve(service, stored.spec.name, "start" if stored.spec.plan.approval == "before-start" else "promotion", actor, reason)


def promote(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Asker = "",
    rollout: Name = None,
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
) -> None:
    """Approve the step to 100 %, which is still taken only when the steps before it pass.

    Example: clinical-ner rollout promote --reason "the ward is content"
    """
    service = open_service(registry_uri, name, target)
    _approve(service, service.choose(rollout).spec.name, "promotion", actor, reason)


def abort(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Asker = "",
    rollout: Name = None,
    name: ModelName = DEFAULT_NAME,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the version too: it is never approved again.")] = False,
    target: TargetAddress = DEFAULT_TARGET,
) -> None:
    """End a rollout: all traffic goes back to the stable version.

    Example: clinical-ner rollout abort --reason "wrong corpus"
    """
    service = open_service(registry_uri, name, target)
    chosen = service.choose(rollout).spec.name
    service.rollouts.abort(chosen, Abort(**service.cause(actor, reason)._asdict(), withdraw=withdraw))
    typer.echo(f"rollout {chosen} is to end; whoever runs it takes everything back")


def rollback(  # a command's options are its parameters
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Asker = "",
    name: ModelName = DEFAULT_NAME,
    target: TargetAddress = DEFAULT_TARGET,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Carry it out, or wait for a cluster's controller; print how long it took.")
    ] = True,
) -> None:
    """Withdraw what is being rolled out, or else the live version, and have the version before serve everybody.

    Ends with status 1 when it does not.

    Example: clinical-ner rollout rollback --reason "the ward reports missing drugs"
    """
    service, began = open_service(registry_uri, name, target), time.monotonic()
    cause = service.cause(actor, reason)
    ordered = _order(service, cause)
    if not wait:
        return
    last = _see_through(service, ordered)
    if last.spec.purpose == "release" and last.status.phase is Phase.SUCCEEDED:
        # The order came when everybody was served by it already, from where only a rollout of the version before goes back.
        last = _see_through(service, _order(service, cause))
    typer.echo(f"{last.status.reason}: {time.monotonic() - began:.1f} s from the order to the end")
    if last.status.phase is not (Phase.SUCCEEDED if last.spec.purpose == "restore" else Phase.ROLLED_BACK):
        raise typer.Exit(1)


def _see_through(service: Service, name: str) -> Stored:
    """The rollout of this name when it has ended."""
    if not service.on_cluster:
        carry_out(service, REFRESH_SECONDS / 4, name)
    return wait_for_end(service.rollouts, name)


def _order(service: Service, cause: Cause) -> str:
    """Order the way back; the name of the rollout that is it."""
    known = service.rollouts.all()
    active, before = find_active(known), {each.spec.name for each in known}
    typer.echo(order_way_back(service.rollouts, service.storage, service.model, cause))
    new = [each for each in service.rollouts.all() if each.spec.name not in before and each.spec.purpose == "restore"]
    return new[-1].spec.name if new or active is None else active.spec.name


def _approve(service: Service, rollout: str, gate: Literal["start", "promotion"], actor: str, reason: str) -> None:
    check_gate(service.rollouts.read(rollout).spec, gate)
    cause = service.cause(actor, reason)
    service.rollouts.approve(rollout, Approval(gate=gate, **cause._asdict()))
    typer.echo(f"{cause.actor} approved the {gate} of rollout {rollout}")
