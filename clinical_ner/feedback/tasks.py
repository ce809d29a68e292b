"""Annotation tasks in Label Studio's JSON, the model's entities as pre-annotations (https://labelstud.io/guide/predictions)."""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson

from clinical_ner.documents import ScoredEntity
from clinical_ner.review.sample import ReviewSample

CONTROL, OBJECT = "label", "text"
"""What the labelling interface calls its set of labels and the text; predictions refer to both."""


def dump_tasks(samples: Iterable[ReviewSample]) -> bytes:
    """A JSON list of tasks, one a sample in the given order; holds de-identified note text."""
    return orjson.dumps([_task(sample) for sample in samples], option=orjson.OPT_APPEND_NEWLINE)


def label_config(labels: Iterable[str]) -> str:
    """The labelling interface that the tasks fit, as XML to paste into the project's settings."""
    choices = "\n".join(f"    <Label value={quoteattr(label)}/>" for label in sorted(set(labels)))
    return (
        f'<View>\n  <Labels name="{CONTROL}" toName="{OBJECT}">\n{choices}\n  </Labels>\n'
        f'  <Text name="{OBJECT}" value="$text" granularity="word"/>\n</View>\n'
    )


def _task(sample: ReviewSample) -> dict[str, Any]:
    results = [_result(sample.text, number, entity) for number, entity in enumerate(sample.entities)]
    scores = [entity.score for entity in sample.entities]
    prediction = {"model_version": sample.model_version, "score": min(scores, default=1.0), "result": results}
    return {
        "data": {"text": sample.text, "record_id": sample.record_id},
        "meta": sample.metadata() | {"text_digest": sample.text_digest},
        "predictions": [prediction],
    }


def _result(text: str, number: int, entity: ScoredEntity) -> dict[str, Any]:
    start, end, label, score = entity
    return {
        "id": f"e{number}",
        "from_name": CONTROL,
        "to_name": OBJECT,
        "type": "labels",
        "score": score,
        "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
    }
