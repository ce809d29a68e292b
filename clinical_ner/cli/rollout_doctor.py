"""``clinical-ner rollout doctor``: what a cluster's service is, and what stands in the way of rolling out on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.options import AsJson
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.addresses import KServeAddress, parse_address
from clinical_ner.rollout.plan import parse_plan

if TYPE_CHECKING:
    from clinical_ner.rollout.kserve.discovery import Discovered

_CONTROLLER = ":clinical-ner-rollout-controller"
_PURPOSES = {"controller": "carrying rollouts out", "person": "asking for rollouts"}
_UNKNOWN = "unknown: you may not read it"


def doctor(
    target: Annotated[str, typer.Option("--target", help="The service: kserve:NAMESPACE/SERVICE.")],
    plan_file: Annotated[Path | None, typer.Option("--plan", exists=True, dir_okay=False, help="A plan to check too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find out with your own rights how a cluster serves a model, and whether rollouts of it can be carried out.

    Ends with status 1 and a sentence for each problem when they cannot.

    Example: clinical-ner rollout doctor --target kserve:clinical-ner/clinical-ner
    """
    from clinical_ner.kubernetes_api import KubernetesApi
    from clinical_ner.rollout.kserve.discovery import discover
    from clinical_ner.rollout.kserve.obstacles import find_obstacles

    address = parse_address(target)
    if not isinstance(address, KServeAddress):
        raise ConfigError(f"--target {target}: expected kserve:NAMESPACE/SERVICE; a local service needs no doctor")
    if plan_file:
        parse_plan(plan_file.read_bytes(), source=str(plan_file))
    found = discover(KubernetesApi.connect(address.namespace), address.service)
    problems = find_obstacles(found, "controller" if found.user.endswith(_CONTROLLER) else "person")
    _print(found, problems, as_json=as_json)
    if problems:
        raise typer.Exit(1)


def _print(found: "Discovered", problems: list[str], *, as_json: bool) -> None:
    facts = {name: _shown(value) for name, value in describe(found).items()}
    if as_json:
        record: dict[str, Any] = {"facts": facts, "missing_rights": dict(found.missing), "problems": problems}
        typer.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table(Column("what", no_wrap=True), "found", title=f"{found.namespace}/{found.name}, as {found.user} sees it")
    for name, text in facts.items():
        table.add_row(name, Text(text, "dim" if text == _UNKNOWN else ""))
    console = Console()
    console.print(table)
    for problem in problems:
        console.print(Text(f"problem: {problem}", "red"), soft_wrap=True)
    if not problems:
        console.print("Nothing stands in the way of a rollout.")


def describe(found: "Discovered") -> dict[str, str | bool | None]:
    """What a person wants to know, in the order of a look from the cluster to the service."""
    return {
        "KServe's controller": found.controller or (None if found.controller is None else "names no version"),
        "InferenceService has spec.canary": found.canary_field,
        "mode": found.mode_told,
        "Gateway API": found.gateway_api,
        "KServe uses the Gateway API": found.gateway_enabled,
        "HTTPRoute of the service": found.route,
        "Prometheus operator": found.prometheus_operator,
        "ModelRollouts": found.rollouts,
        "rollout controller at work": found.holder or (None if found.holder is None else "none"),
        "Pod Security restricted": found.restricted,
        "storage initializer may run there": found.fetcher_secured,
        **{f"your rights, {_PURPOSES[part]}": f"missing: {', '.join(each)}" if each else "all" for part, each in found.missing},
    }


def _shown(value: str | bool | None) -> str:
    if value is None:
        return _UNKNOWN
    return value if isinstance(value, str) else "yes" if value else "no"
