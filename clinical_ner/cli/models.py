"""``clinical-ner models``: what is in the registry, and which version is live."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import orjson
import typer
from rich.console import Console

from clinical_ner.cli.model_tables import (
    compare,
    comparison_table,
    details_table,
    history_table,
    metric_paths,
    version_record,
    versions_table,
)
from clinical_ner.cli.options import DEFAULT_NAME, Actor, AsJson, ModelName, Reason, RegistryUri, open_registry
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError
from clinical_ner.model_versions import ModelVersion
from clinical_ner.rollout.live_pointer import check_no_rollout
from clinical_ner.storage import open_storage

app = typer.Typer(help="List, compare and verify model versions; approve, promote and prune them.", no_args_is_help=True)

_METRICS = ("strict.f1", "overlap.f1")
Version = Annotated[str, typer.Argument(help="A version such as v3, or live, or latest.")]


@app.command("list")
def list_versions(
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    metric: Annotated[
        str | None, typer.Option(help="Sort by this number of release/metrics.json, highest first: strict.per_label.DISEASE.f1")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="Only versions registered in the last so many days.")
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="Only the version with the highest metric (strict.f1 by default).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the versions of a model, oldest first or by a metric.

    Example, the best of the last 30 days for treatments:
    clinical-ner models list --metric strict.per_label.TREATMENT.f1 --days 30 --best
    """
    models = _recent(open_registry(registry_uri).versions(name), days)
    if models and (metric or best):
        models = _by_metric(models, metric or _METRICS[0])[: 1 if best else None]
    if as_json:
        _print_json([version_record(model) for model in models])
    elif models:
        Console().print(versions_table(models, tuple(dict.fromkeys((*_METRICS, metric or _METRICS[0])))))
    else:
        typer.echo(f"no versions of {name} in {registry_uri}" + (f" from the last {days} days" if days else ""))


@app.command()
def show(version: Version, registry_uri: RegistryUri, name: ModelName = DEFAULT_NAME, as_json: AsJson = False) -> None:
    """Show what a version is, what it was made from, how it scored, and who changed its state when and why.

    Example: clinical-ner models show live
    """
    registry = open_registry(registry_uri)
    model, history = registry.get(name, version), registry.history(name, version)
    if as_json:
        _print_json(version_record(model) | {"history": [change.model_dump(mode="json") for change in history]})
    else:
        Console().print(details_table(model), history_table(history))


@app.command()
def verify(
    registry_uri: RegistryUri,
    version: Annotated[str | None, typer.Argument(help="A version such as v3, or live, or latest; all when left out.")] = None,
    name: ModelName = DEFAULT_NAME,
) -> None:
    """Compare every file of one version, or of all, with the digests that were registered.

    Ends with status 1 when a file is damaged, missing or foreign, and names it.

    Example: clinical-ner models verify v3
    """
    registry = open_registry(registry_uri)
    damaged = False
    for each in [version] if version else registry.version_names(name):
        problems = registry.damage(name, each)
        damaged = damaged or bool(problems)
        for line in problems or ["all files are as registered"]:
            typer.echo(f"{name} {each}: {line}", err=bool(problems))
    if damaged:
        raise typer.Exit(1)


@app.command()
def diff(
    first: Version,
    second: Version,
    registry_uri: RegistryUri,
    name: ModelName = DEFAULT_NAME,
    as_json: Annotated[bool, typer.Option("--json", help="Print the fields that differ as JSON.")] = False,
) -> None:
    """Show labels, parameters, features, datasets, libraries and metrics of two versions side by side.

    Lines that differ are marked with ≠.

    Example: clinical-ner models diff live latest
    """
    registry = open_registry(registry_uri)
    models = registry.get(name, first), registry.get(name, second)
    rows = compare(*models)
    if as_json:
        _print_json([row._asdict() for row in rows if row.differs])
    else:
        Console().print(comparison_table(rows, models[0].version, models[1].version))


@app.command()
def approve(version: Version, reason: Reason, registry_uri: RegistryUri, actor: Actor, name: ModelName = DEFAULT_NAME) -> None:
    """Approve a candidate, so that it may be rolled out or promoted.

    Example: clinical-ner models approve v3 --reason "validation team read 50 notes"
    """
    _print_state(open_registry(registry_uri).approve(name, version, actor=actor, reason=reason))


@app.command()
def reject(version: Version, reason: Reason, registry_uri: RegistryUri, actor: Actor, name: ModelName = DEFAULT_NAME) -> None:
    """Reject a candidate or an approved version, for good.

    Example: clinical-ner models reject v3 --reason "misses abbreviations of the new site"
    """
    _print_state(open_registry(registry_uri).reject(name, version, actor=actor, reason=reason))


@app.command()
def promote(
    version: Version,
    reason: Reason,
    registry_uri: RegistryUri,
    actor: Actor,
    name: ModelName = DEFAULT_NAME,
    restore: Annotated[bool, typer.Option("--restore", help="Bring back a version that was retired.")] = False,
) -> None:
    """Make an approved version the live one; the one that was live retires. Not while a rollout is under way.

    Example: clinical-ner models promote v3 --reason "passed the pilot"
    Example: clinical-ner models promote v2 --restore --reason "v3 is slow at site north"
    """
    check_no_rollout(open_storage(registry_uri), name)
    _print_state(open_registry(registry_uri).promote(name, version, actor=actor, reason=reason, restore=restore))


@app.command()
def prune(
    registry_uri: RegistryUri,
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest versions to keep in any case.")],
    name: ModelName = DEFAULT_NAME,
    referenced: Annotated[
        list[str] | None, typer.Option(help="A version to keep as well, such as one in a rollout; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run/--delete", help="Say what would be removed, or remove it.")] = True,
) -> None:
    """Remove the files of old versions; never those of the live, the previous or a referenced one.

    Example: clinical-ner models prune --keep 5 --delete
    """
    pruned = open_registry(registry_uri).prune(name, keep=keep, referenced=frozenset(referenced or ()), dry_run=dry_run)
    if not pruned:
        typer.echo("nothing to remove")
    elif dry_run:
        typer.echo(f"would remove {', '.join(pruned)}; --delete removes them")
    else:
        typer.echo(f"removed {', '.join(pruned)}")


def _recent(models: list[ModelVersion], days: int | None) -> list[ModelVersion]:
    if days is None:
        return models
    oldest = utc_now() - timedelta(days=days)
    return [model for model in models if model.created_at >= oldest]


def _by_metric(models: Sequence[ModelVersion], metric: str) -> list[ModelVersion]:
    values = {model.version: model.metric(metric) for model in models}
    if all(value is None for value in values.values()):
        known = sorted({path for model in models for path in metric_paths(model.metrics)})
        raise ConfigError(f"--metric {metric}: no version has it; known are {', '.join(known) or 'none'}")
    return sorted(models, key=lambda model: _descending(values[model.version]))


def _descending(value: float | None) -> tuple[bool, float]:
    return value is None, -(value or 0.0)


def _print_state(model: ModelVersion) -> None:
    typer.echo(f"{model.name} {model.version} is {model.state}")


def _print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
