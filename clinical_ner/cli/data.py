"""``clinical-ner data``: which datasets are stored, and what sets two of them apart."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.model_tables import short_digest
from clinical_ner.cli.options import AsJson, RegistryUri
from clinical_ner.datasets import (
    DatasetDiff,
    StoredDataset,
    diff_datasets,
    find_dataset,
    list_datasets,
    load_dataset,
)
from clinical_ner.storage import open_storage

app = typer.Typer(help="List, show and compare stored datasets; no note text is shown.", no_args_is_help=True)

Digest = Annotated[str, typer.Argument(help="A digest, its first few digits, or dataset://<digest>.")]


@app.command("list")
def list_stored(registry_uri: RegistryUri, as_json: AsJson = False) -> None:
    """List the stored datasets, oldest first.

    Example: clinical-ner data list --registry-uri registry/
    """
    datasets = list_datasets(open_storage(registry_uri))
    if as_json:
        _print_json([dataset.model_dump(mode="json") for dataset in datasets])
    elif datasets:
        Console().print(_datasets_table(datasets))
    else:
        typer.echo(f"no datasets in {registry_uri}")


@app.command()
def show(digest: Digest, registry_uri: RegistryUri, as_json: AsJson = False) -> None:
    """Show how a dataset was read, what it was made from, and how much of what it holds.

    Example: clinical-ner data show 3f2a91
    """
    dataset = find_dataset(open_storage(registry_uri), digest)
    if as_json:
        _print_json(dataset.model_dump(mode="json"))
    else:
        Console().print(_details_table(dataset))


@app.command()
def diff(
    first: Digest,
    second: Digest,
    registry_uri: RegistryUri,
    show_ids: Annotated[int, typer.Option("--show", min=0, help="How many ids of each kind to list.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare two datasets by the ids of their documents, and count entities per label in both.

    Example: clinical-ner data diff 3f2a91 b07c44 --show 50
    """
    storage = open_storage(registry_uri)
    digests = [find_dataset(storage, text).digest for text in (first, second)]
    difference = diff_datasets(*(load_dataset(storage, digest) for digest in digests))
    if as_json:
        _print_json(difference)
    else:
        _print_diff(difference, show_ids)


def _print_diff(difference: DatasetDiff, show_ids: int) -> None:
    Console().print(_labels_table(difference.labels))
    typer.echo(f"{difference.unchanged:,} documents are the same in both")
    kinds = {
        "only in the first": difference.only_first,
        "only in the second": difference.only_second,
        "changed": difference.changed,
    }
    for kind, ids in kinds.items():
        typer.echo(f"{len(ids):,} {kind}")
        for name in ids[:show_ids]:
            typer.echo(f"  {name}")


def _datasets_table(datasets: Sequence[StoredDataset]) -> Table:
    counts = (Column(name, justify="right") for name in ("documents", "entities"))
    table = Table(Column("digest", no_wrap=True), "created (UTC)", "reader", *counts, "labels")
    for dataset in datasets:
        table.add_row(
            short_digest(dataset.digest),
            f"{dataset.created_at:%Y-%m-%d %H:%M}",
            Text(dataset.reader),
            f"{dataset.documents:,}",
            f"{sum(dataset.entities.values()):,}",
            Text(", ".join(sorted(dataset.entities))),
        )
    return table


def _details_table(dataset: StoredDataset) -> Table:
    table = Table("field", "", Column("value", overflow="fold"))
    for name, value in dataset.model_dump(mode="json").items():
        # A mapping takes a line for each of its names, a list one for each member.
        items = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else [("", value)]
        for key, item in items:
            table.add_row(name, Text(str(key)), Text(f"{item:,}" if isinstance(item, int) else str(item)))
    return table


def _labels_table(labels: Mapping[str, tuple[int, int]]) -> Table:
    table = Table("label", *(Column(name, justify="right") for name in ("first", "second", "difference")))
    for label, (before, after) in labels.items():
        table.add_row(Text(label), f"{before:,}", f"{after:,}", f"{after - before:+,}")
    return table


def _print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
