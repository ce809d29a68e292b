"""The data validation team, played by the gold entities of the synthetic notes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from clinical_ner.deidentify import Deidentifier
from clinical_ner.documents import Document, ScoredEntity
from clinical_ner.feedback.tasks import CONTROL, OBJECT


def correct_tasks(tasks: Path, notes: Mapping[str, Document], export: Path) -> int:
    """Annotate those of the exported tasks whose record id is in ``notes``; returns how many they are.

    An annotator sees the de-identified text. What the synthetic note's author meant is moved there as the predictions were;
    an entity that shares text with an identifier is gone for annotators too. Writes what Label Studio would export.
    """
    deidentifier = Deidentifier()
    answered = [
        task | {"annotations": [{"result": _results(deidentifier, notes[record_id], task["data"]["text"])}]}
        for task in orjson.loads(tasks.read_bytes())
        if (record_id := task["data"]["record_id"]) in notes
    ]
    export.write_bytes(orjson.dumps(answered))
    return len(answered)


def _results(deidentifier: Deidentifier, note: Document, shown: str) -> list[dict[str, Any]]:
    safe = deidentifier.deidentify(note.text)
    if safe.text != shown:
        raise ValueError("a task's text is not its note's")
    gold = safe.move(ScoredEntity(*entity, score=1.0) for entity in note.entities).entities
    return [
        {
            "from_name": CONTROL,
            "to_name": OBJECT,
            "type": "labels",
            "value": {"start": start, "end": end, "text": shown[start:end], "labels": [label]},
        }
        for start, end, label, _ in gold
    ]
