"""``clinical-ner feedback new-words``: the words behind the hashes that a decision found new."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from clinical_ner.cli.feedback import SamplesUri
from clinical_ner.cli.options import AsJson
from clinical_ner.drift.decision import Decision
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.inference_log.key import read_key
from clinical_ner.review.sample import ReviewSample
from clinical_ner.review.store import read_samples
from clinical_ner.review.words import FoundWord, find_words
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage


def new_words(
    decision: Annotated[Path, typer.Option(help="The decision of a monitoring run, JSON.")],
    samples_uri: SamplesUri,
    as_json: AsJson = False,
) -> None:
    """List new words of the newest window that are in review samples; WHAT IS PRINTED IS PROTECTED HEALTH INFORMATION.

    The log holds keyed hashes of words that the model does not know, and the decision those that no earlier note had and that
    recur. Needs the servers' key: CLINICAL_NER_INFERENCE_LOG_KEY or CLINICAL_NER_INFERENCE_LOG_KEY_FILE.

    Example: clinical-ner feedback new-words --decision run/decision.json --samples-uri s3://clinical-ner/production
    """
    if not samples_uri:
        raise ConfigError("which samples? give --samples-uri, or set CLINICAL_NER_INFERENCE_LOG_URI")
    key = _read_key()
    judged = _read_decision(decision)
    notes = _new_words_of(judged, decision)
    samples = _read_samples(judged, samples_uri)
    found = find_words(samples, notes.keys(), key)
    if as_json:
        rows = [{"word": each.word, "notes": notes[each.hash], "samples": each.samples} for each in found]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    if found:
        Console().print(_table(found, notes))
    typer.echo(f"{len(found):,} of {len(notes):,} new words are in {len(samples):,} review samples of both windows")


def _read_samples(decision: Decision, samples_uri: str) -> list[ReviewSample]:
    """Those of both windows; a word that is new to the newest one may be in the one before."""
    start, end = (decision.previous or decision.window).start, decision.window.end
    reading = read_samples(open_storage(samples_uri), decision.window.model_name, start.date(), end.date())
    for problem in reading.rejected:
        typer.echo(problem, err=True)
    return [sample for sample in reading.samples if start <= sample.time < end]


def _read_key() -> bytes:
    settings = Settings()
    key = read_key(settings.inference_log_key, settings.inference_log_key_file)
    if not key:
        raise ConfigError(
            "words are hashed with the servers' key: set CLINICAL_NER_INFERENCE_LOG_KEY or CLINICAL_NER_INFERENCE_LOG_KEY_FILE"
        )
    return key


def _read_decision(path: Path) -> Decision:
    try:
        return Decision.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"--decision: {path}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{path}: not a decision, or one of another release") from error


def _new_words_of(decision: Decision, path: Path) -> dict[str, int]:
    """The notes of the window that hold each listed new word, by its hash."""
    novelty = decision.novelty
    if novelty is None or novelty.words is None or novelty.unasked:
        reason = novelty.unasked if novelty else "It is of a release that did not look for them."
        raise DataError(f"{path}: the decision names no new words. {reason}")
    return dict(novelty.words.listed)


def _table(found: list[FoundWord], notes: dict[str, int]) -> Table:
    table = Table("word", Column("notes of the window", justify="right"), Column("review samples", justify="right"))
    for each in found:
        table.add_row(Text(each.word), f"{notes[each.hash]:,}", f"{each.samples:,}")
    return table
