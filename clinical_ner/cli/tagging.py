"""``clinical-ner predict`` and ``clinical-ner evaluate``: a model at work without a server."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from clinical_ner.cli.options import DEFAULT_NAME, AsJson, RegistryUri, open_registry
from clinical_ner.corpora import FORMATS, LabelMap, read_corpus, settle
from clinical_ner.documents import Document, check_document, content_id, parse_document
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.evaluation.evaluation import Evaluation, LabelScore, annotate_all
from clinical_ner.evaluation.evaluation import evaluate as score
from clinical_ner.settings import Settings
from clinical_ner.storage import path_of
from clinical_ner.tagger import Annotation, Tagger

STDIN = Path("-")

ModelDir = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Folder of a model (or its file:// URI); without it the registry's version named by --model is used.",
    ),
]
Model = Annotated[str, typer.Option(help="NAME, NAME@VERSION or NAME@live in the registry.")]


def predict(
    registry_uri: RegistryUri,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Notes: .jsonl files with a text a line, any other file is one note. '-': stdin."),
    ] = None,
    model_dir: ModelDir = None,
    model: Model = DEFAULT_NAME,
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write; '-' is standard output.")] = STDIN,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out entities that score less.")] = 0.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Find the entities of notes, and write a JSON object a note: id, entities (start, end, text, label, score).

    Standard input is JSON Lines; a line that is not JSON is taken as a note of its own.

    Example: `echo "Started metformin for type 2 diabetes." | clinical-ner predict`
    """
    tagger = load_tagger(registry_uri, model, model_dir)
    documents = [document for file in files or [STDIN] for document in _read_notes(file)]
    progress = track(documents, "tagging", console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())
    with ExitStack() as stack:
        sink = sys.stdout.buffer if output == STDIN else stack.enter_context(_open_output(output))
        for document in progress:
            _write_prediction(sink, document, tagger.annotate(document.text), min_score)


def evaluate(
    registry_uri: RegistryUri,
    corpus_uri: Annotated[str, typer.Argument(help="Annotated corpus to judge on: a file or folder.")],
    corpus_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(sorted(FORMATS))}.")] = "jsonl",
    label_map: Annotated[str, typer.Option(help="As in `clinical-ner corpus validate`.")] = "",
    model_dir: ModelDir = None,
    model: Model = DEFAULT_NAME,
    on_bad_record: Annotated[str, typer.Option(help="fail, or quarantine to leave bad records out.")] = "fail",
    as_json: AsJson = False,
) -> None:
    """Score a model on an annotated corpus: strict and overlap span scores per label, with 95 % intervals.

    Example: `clinical-ner evaluate test.jsonl --model clinical-ner@v3`
    """
    tagger = load_tagger(registry_uri, model, model_dir)
    reading = read_corpus(
        corpus_uri, corpus_format, label_map=LabelMap.parse(label_map), max_note_bytes=Settings().max_note_bytes
    )
    documents = settle(reading, on_bad_record)
    evaluation = score(documents, annotate_all(tagger, documents))
    if as_json:
        typer.echo(evaluation.model_dump_json(indent=2))
    else:
        Console().print(_score_table(evaluation))


def load_tagger(registry_uri: str, model: str, model_dir: str | None) -> Tagger:
    """The model in ``model_dir``, else the version of the registry that ``model`` names (``NAME`` alone: the live one)."""
    if model_dir:
        return Tagger.from_folder(path_of(model_dir))
    name, _, version = model.partition("@")
    return Tagger.from_files(open_registry(registry_uri).files(name, version or "live"))


def _open_output(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise ConfigError(f"--output {path}: {error.strerror}") from error


def _read_notes(file: Path) -> Iterator[Document]:
    name = "standard input" if file == STDIN else str(file)
    try:
        data = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}:{line}: not UTF-8 at byte {error.start}") from None
    is_lines = file == STDIN or file.suffix in {".jsonl", ".ndjson"}
    for number, note in enumerate(text.split("\n") if is_lines else [text], 1):
        if note.strip():
            yield _read_note(note, name, number, is_json=is_lines and (file != STDIN or note.lstrip().startswith("{")))


def _read_note(note: str, name: str, number: int, *, is_json: bool) -> Document:
    try:
        document = parse_document(note) if is_json else Document(id="", text=note)
        check_document(document, max_note_bytes=Settings().max_note_bytes)
    except DataError as error:
        raise DataError(f"{name}:{number}: {error}") from error
    return document if document.id else Document(content_id(name, document.text), document.text)


def _write_prediction(sink: BinaryIO, document: Document, annotation: Annotation, min_score: float) -> None:
    entities = [
        {**found._asdict(), "text": document.text[found.start : found.end]}
        for found in annotation.entities
        if found.score >= min_score
    ]
    sink.write(orjson.dumps({"id": document.id, "entities": entities}, option=orjson.OPT_APPEND_NEWLINE))


def _score_table(evaluation: Evaluation) -> Table:
    table = Table("label", "precision", "recall", "F1", "95 % interval", "overlap F1", "gold", "found")
    rows: dict[str, tuple[LabelScore, LabelScore]] = {"all": (evaluation.strict, evaluation.overlap)}
    rows |= {label: (strict, evaluation.overlap.per_label[label]) for label, strict in evaluation.strict.per_label.items()}
    for label, (strict, overlap) in rows.items():
        table.add_row(
            label,
            *(f"{value:.3f}" for value in (strict.precision, strict.recall, strict.f1)),
            f"{strict.f1_low:.3f} to {strict.f1_high:.3f}",
            f"{overlap.f1:.3f}",
            str(strict.gold_spans),
            str(strict.predicted_spans),
        )
    return table
