"""``clinical-ner corpus``: look at a corpus, bring it to the canonical form, or make one."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.written_files import write_private
from clinical_ner.corpora import FORMATS, ON_BAD_RECORD, CorpusReading, LabelMap, dump_quarantine, read_corpus, settle
from clinical_ner.corpora.synthetic import DRILL, Shift
from clinical_ner.corpora.synthetic import synthesize as synthesize_notes
from clinical_ner.documents import dump_documents
from clinical_ner.errors import DataError
from clinical_ner.settings import Settings

app = typer.Typer(help="Check corpora, bring them to canonical JSON Lines, or make a synthetic one.", no_args_is_help=True)

Uri = Annotated[str, typer.Argument(help="File or folder: a path, a file:// or an s3:// URI; or several, divided by commas.")]
CorpusFormat = Annotated[str, typer.Option("--format", help=f"One of {', '.join(sorted(FORMATS))}.")]
LabelMapText = Annotated[
    str,
    typer.Option(
        "--label-map",
        help="D=DISEASE,T=TREATMENT renames; X= drops X; *=DISEASE maps and *= drops every other label. Empty: keep all.",
    ),
]
MaxNoteBytes = Annotated[
    int,
    typer.Option(
        min=1,
        help="Longest note in UTF-8 bytes.",
        default_factory=lambda: Settings().max_note_bytes,
        show_default="CLINICAL_NER_MAX_NOTE_BYTES, or 1 MiB",
    ),
]


@app.command()
def validate(
    uri: Uri,
    corpus_format: CorpusFormat,
    max_note_bytes: MaxNoteBytes,
    label_map: LabelMapText = "",
    on_bad_record: Annotated[
        str, typer.Option(help=f"{' | '.join(ON_BAD_RECORD)}: what the pipeline would do; fail ends with status 1 here.")
    ] = "fail",
    show: Annotated[int, typer.Option(min=0, help="How many bad records to list.")] = 20,
) -> None:
    """Read a corpus, and show its documents, mentions per label and bad records.

    Ends with status 1 when the pipeline would not accept the corpus. Shows no note text.

    Example: clinical-ner corpus validate corpus.txt --format pubtator --label-map "*=DISEASE"
    """
    reading = _read(uri, corpus_format, label_map, max_note_bytes)
    console = Console()
    console.print(_counts_table(reading))
    console.print(_labels_table(reading.mentions_by_label))
    _list_bad_records(reading, show)
    try:
        settle(reading, on_bad_record)
    except DataError as error:
        # They are listed above: the first line is the verdict.
        typer.echo(str(error).partition("\n")[0].rstrip(":"), err=True)
        raise typer.Exit(1) from error


@app.command()
def convert(
    uri: Uri,
    corpus_format: CorpusFormat,
    out: Annotated[Path, typer.Option(help="The canonical JSON Lines to write; holds note text.")],
    max_note_bytes: MaxNoteBytes,
    label_map: LabelMapText = "",
    quarantine: Annotated[
        Path | None,
        typer.Option(help="Set bad records aside in this file, which holds note text. Without it one bad record is an error."),
    ] = None,
) -> None:
    """Write a corpus of any format as canonical JSON Lines.

    Each file appears whole or not at all: on an error nothing is written, and what was there stays.

    Example: clinical-ner corpus convert biotext/ --format biotext --label-map D=DISEASE,T=TREATMENT --out corpus.jsonl
    """
    reading = _read(uri, corpus_format, label_map, max_note_bytes)
    documents = settle(reading, "quarantine" if quarantine else "fail")
    if quarantine:
        write_private("--quarantine", quarantine, dump_quarantine(reading.bad_records))
    write_private("--out", out, dump_documents(documents))
    aside = f"; {len(reading.bad_records)} bad records -> {quarantine}" if quarantine else ""
    typer.echo(f"{len(documents)} documents, {reading.mentions_kept} mentions -> {out}{aside}")


@app.command()
def synthesize(
    out: Annotated[Path, typer.Option(help="The canonical JSON Lines to write.")],
    notes: Annotated[int, typer.Option(min=1, help="How many notes; more notes keep the earlier ones.")] = 400,
    seed: Annotated[int, typer.Option(help="A seed is a hospital's population: other seeds have other patients.")] = 0,
    shift: Annotated[
        str,
        typer.Option(help=f"Knobs that shift the notes, with a share or at their drill value: {', '.join(DRILL)}."),
    ] = "",
) -> None:
    """Write synthetic clinical notes with their diseases and treatments; the same options give the same bytes.

    Example: clinical-ner corpus synthesize --notes 200 --seed 1 --shift new_diseases,new_site=0.5 --out shifted.jsonl
    """
    documents = synthesize_notes(notes, seed=seed, shift=Shift.parse(shift))
    write_private("--out", out, dump_documents(documents))
    mentions = sum(len(document.entities) for document in documents)
    typer.echo(f"{len(documents)} documents, {mentions} mentions -> {out}")


def _read(uri: str, corpus_format: str, label_map: str, max_note_bytes: int) -> CorpusReading:
    return read_corpus(uri, corpus_format, label_map=LabelMap.parse(label_map), max_note_bytes=max_note_bytes)


def _counts_table(reading: CorpusReading) -> Table:
    table = Table("corpus", Column("count", justify="right"))
    rows = {
        "files": len(reading.files),
        "documents": len(reading.documents),
        "bad records": len(reading.bad_records),
        "mentions found": reading.mentions_seen,
        "  in documents": reading.mentions_kept,
        "  in bad records": sum(bad.mentions for bad in reading.bad_records),
        "  dropped by label map": reading.mentions_dropped,
        "  equal to another": reading.mentions_merged,
        **reading.counters,
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table


def _labels_table(mentions: Counter[str]) -> Table:
    table = Table("label", Column("mentions", justify="right"))
    for label, count in sorted(mentions.items()):
        table.add_row(Text(label), f"{count:,}")
    return table


def _list_bad_records(reading: CorpusReading, show: int) -> None:
    # Plain lines: a table would fold "file:line", which editors and grep are to find, and take "entities[0]" for markup.
    for bad in reading.bad_records[:show]:
        typer.echo(str(bad))
    if len(reading.bad_records) > show:
        typer.echo(f"... and {len(reading.bad_records) - show:,} more bad records")
