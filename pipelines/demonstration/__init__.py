"""``make demo``: the loop on synthetic notes, from a corpus to a second version, live, that the changed hospital needs."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from clinical_ner.corpora.synthetic import Shift, synthesize
from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.feedback import load_corrections
from clinical_ner.registry import Registry
from clinical_ner.reports.rollout_story import RolloutStory
from clinical_ner.reports.story import Gain, make_example, render_story
from clinical_ner.splitting import text_key
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from pipelines.demonstration.comparison import compare, without_texts
from pipelines.demonstration.loop import Loop
from pipelines.demonstration.rolling_out import go_live, local_service, take_back

ORDINARY = "as the model knows them"
ORDINARY_SEED, ORDINARY_NOTES = 11, 400
CHANGE = "most diseases new to the model, half of the patients at a new site"
CHANGED = Shift(new_diseases=0.6, new_site=0.5)
CHANGED_SEED, CHANGED_NOTES = 12, 500
COMPARED_SEED, COMPARED_NOTES = 13, 300
STORY = "story.html"


def demonstrate(output: Path, console: Console) -> dict[str, Any]:
    """Run the loop in the folder ``output``, which is new or empty; returns what ``demo.json`` there holds.

    Raises:
        ConfigError: the folder holds something.
        PipelineRunError: a step failed, or did not decide as it should.
    """
    if output.exists() and any(output.iterdir()):
        raise ConfigError(f"{output}: not empty; remove it, or name another folder by --output")
    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    loop = Loop(output, console, output / STORY)
    first = loop.train()
    with loop.serve(first["model"]["uri"]) as base_url:
        ordinary = loop.send(base_url, "Ordinary days", ORDINARY, synthesize(ORDINARY_NOTES, seed=ORDINARY_SEED))
        quiet = loop.watch("Watch: ordinary days", ordinary, "watch-ordinary")
        sent = synthesize(CHANGED_NOTES, seed=CHANGED_SEED, shift=CHANGED)
        changed = loop.send(base_url, "The hospital changes", CHANGE, sent)
    alarm = loop.watch("Watch: changed days", changed, "watch-changed")
    loop.correct(changed)
    answer = loop.watch("Watch again, with corrections", changed, "watch-corrected")
    _check_decisions(quiet, alarm, answer)
    second = loop.train_again(answer["outcome"])
    version = second["model"]["uri"].rpartition("/")[2]
    with local_service(loop, sent) as service:
        rollouts = [go_live(loop, service, version), take_back(loop, service, version)]
    gains = _tell(loop, version, rollouts)
    results = {
        "story": str(loop.page),
        "seconds": time.monotonic() - started,
        "decisions": [run["decision"]["action"] for run in (quiet, alarm, answer)],
        "outcomes": [run["outcome"].get("status", "") for run in (quiet, alarm, answer)],
        "versions": [first["model"], second["model"]],
        "comparison": [asdict(gain) for gain in gains],
        "rollouts": [{name: getattr(each, name) for name in ("version", "outcome", "calls", "failed")} for each in rollouts],
    }
    (output / "demo.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    console.print(f"demo done in {results['seconds']:.0f} s; its story: {loop.page}", soft_wrap=True)
    return results


def _check_decisions(quiet: dict[str, Any], alarm: dict[str, Any], answer: dict[str, Any]) -> None:
    """Raises PipelineRunError when the loop did not do what it is for."""
    actions = [run["decision"]["action"] for run in (quiet, alarm, answer)]
    drifted = {"retrain", "experiment"}
    if actions[0] not in {"none", "watch"} or actions[1] not in drifted or actions[2] not in drifted:
        raise PipelineRunError(f"the decisions were {', '.join(actions)}: see the drift summaries")
    if answer["outcome"].get("status") != "submitted":
        raise PipelineRunError(f"nothing was submitted: {answer['outcome'].get('reason', 'no outcome')}")


def _tell(loop: Loop, version: str, rollouts: Sequence[RolloutStory]) -> list[Gain]:
    """Compare both versions on notes that the corrections do not hold; write the story page."""
    storage = open_storage(loop.registry_uri)
    registry = Registry(storage)
    before, after = (Tagger.from_files(registry.files(loop.model_name, each)) for each in ("v1", version))
    training = load_dataset(storage, after.manifest.datasets["train"])
    known = {text_key(document.text) for document in (*training, *load_corrections(storage, loop.model_name))}
    notes = without_texts(synthesize(COMPARED_NOTES, seed=COMPARED_SEED, shift=CHANGED), known)
    with loop.step("Compare") as written:
        rows = compare(before, after, notes, training)
        written.say(f"Both versions on {len(notes)} changed notes of other patients; the table is below.")
        written.end(f"{rows[0].after - rows[0].before:+.2f} F1", "fine")
    for row in rows:
        loop.console.print(
            f"  {row.name:<24} {row.gold_spans:>5} spans   F1 {row.before:.3f} -> {row.after:.3f} "
            f"({row.interval.low:+.3f} to {row.interval.high:+.3f})",
            highlight=False,
        )
    gains = [Gain(row.name, row.gold_spans, row.before, row.after, *row.interval) for row in rows]
    example = _telling(before, after, notes)
    page = render_story(
        loop.steps,
        gains,
        make_example(example, before.annotate(example.text), after.annotate(example.text)),
        versions=("v1", version),
        notes=len(notes),
        shift=str(CHANGED),
        rollouts=rollouts,
    )
    loop.page.write_text(page, encoding="utf-8")
    return gains


def _telling(before: Tagger, after: Tagger, notes: Sequence[Document]) -> Document:
    """The note on which the second version gained most entities."""

    def gained(note: Document) -> int:
        gold = set(note.entities)
        found = ({each.entity for each in tagger.annotate(note.text).entities} for tagger in (before, after))
        old, new = (len(gold & entities) - len(entities - gold) for entities in found)
        return new - old

    return max(notes, key=lambda note: (gained(note), note.id))
