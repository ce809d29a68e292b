"""Label Studio: its JSON export, a list of tasks with their annotations (https://labelstud.io/guide/task_format.html).

A task is a document. Its id is ``data.record_id``, else ``data.id``, else none; its entities are the ``labels`` results of its
one finished annotation. Other results (choices, ratings, relations) are passed over and counted. A task with no finished
annotation, or with several that differ, is a bad record: nobody has decided yet.

Metadata are the other strings and numbers of ``data`` and ``meta``, ``reviewed_at`` (when the annotation was last changed) and
``lead_time_seconds`` (how long the annotator had the task open). Offsets are code points; exports of Label Studio before 1.4
count UTF-16 units, and are recognized by the mention that the export repeats.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from clinical_ner.corpora.lines import UTF8_BOM, decode, read_bytes
from clinical_ner.corpora.records import BadRecord, Record
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import DataError

OTHER_RESULTS = "Label Studio results that are no labels"
UNFINISHED = "annotations: none is finished"
CANCELLED = "annotations: skipped by the annotator"
SEVERAL = "annotations: several that differ"

_LABELS = "labels"


class _Review(NamedTuple):
    entities: tuple[Entity, ...]
    others: int
    annotation: Mapping[str, Any]


def read(path: Path) -> Iterator[Record | BadRecord]:
    """Every task as one record, in order; a record's line is its number in the list, from 1.

    Raises:
        DataError: the file is missing, empty or not a list of tasks.
    """
    data = read_bytes(path).removeprefix(UTF8_BOM)
    if not data.strip():
        raise DataError(f"{path}: empty file")
    try:
        tasks = orjson.loads(decode(data))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON: column {error.colno}") from None
    if not isinstance(tasks, list):
        raise DataError(f"{path}: not a list of tasks; export from Label Studio as JSON, not JSON-MIN or CSV")
    for number, task in enumerate(tasks, 1):
        yield _read_task(str(path), number, task)


def _read_task(file: str, number: int, task: object) -> Record | BadRecord:
    raw = orjson.dumps(task)
    try:
        data = _mapping(_mapping(task, "task").get("data"), "data")
        text = _text(data)
        review = _settle(_finished(task), text)
    except DataError as error:
        return BadRecord(file, number, str(error), raw, _count_mentions(task))
    document = Document(_identify(data), text, review.entities, _metadata(task, review.annotation))
    return Record(file, number, document, raw, {OTHER_RESULTS: review.others} if review.others else {})


def _text(data: Mapping[str, Any]) -> str:
    text = data.get("text")
    if not isinstance(text, str):
        raise DataError("data.text: missing or not a string")
    return text


def _finished(task: Any) -> list[Mapping[str, Any]]:
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        raise DataError("annotations: missing or not a list; export from Label Studio as JSON, not JSON-MIN")
    given = [_mapping(annotation, f"annotations[{number}]") for number, annotation in enumerate(annotations)]
    finished = [annotation for annotation in given if not annotation.get("was_cancelled")]
    if given and not finished:
        raise DataError(f"{CANCELLED}; annotate the task, or delete it from the export")
    if not finished:
        raise DataError(f"{UNFINISHED}; annotate the task, or delete it from the export")
    return finished


def _settle(annotations: Sequence[Mapping[str, Any]], text: str) -> _Review:
    reviews = [_review(annotation, text) for annotation in annotations]
    if len({frozenset(review.entities) for review in reviews}) > 1:
        raise DataError(f"{SEVERAL}: {len(reviews)} of them; keep the right one in Label Studio and export again")
    return reviews[-1]


def _review(annotation: Mapping[str, Any], text: str) -> _Review:
    results = annotation.get("result")
    if not isinstance(results, list):
        raise DataError("annotations.result: missing or not a list")
    entities, others = [], 0
    for number, result in enumerate(results):
        name = f"result[{number}]"
        if _mapping(result, name).get("type") != _LABELS:
            others += 1
            continue
        value = _mapping(result.get("value"), f"{name}.value")
        start, end = _place(value, text, f"{name}.value")
        labels = value.get(_LABELS)
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
            raise DataError(f"{name}.value.labels: missing, empty or not strings")
        entities += [Entity(start, end, label) for label in labels]
    return _Review(tuple(sorted(entities)), others, annotation)


def _place(value: Mapping[str, Any], text: str, name: str) -> tuple[int, int]:
    """Offsets in code points, checked against the mention where the export repeats it."""
    start, end, mention = value.get("start"), value.get("end"), value.get("text")
    if type(start) is not int or type(end) is not int:
        raise DataError(f"{name}.start, .end: missing or not integers")
    places = [(start, end)] if mention is None else [(start, end), _from_utf16(text, start, end)]
    for first, last in places:
        if 0 <= first < last <= len(text) and (mention is None or _same(text[first:last], mention)):
            return first, last
    raise DataError(f"{name}: offsets {start}:{end} do not hold the mention in the text's {len(text)} code points")


def _from_utf16(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets in code points; -1 for those outside the text."""
    units = text.encode("utf-16-le", "surrogatepass")

    def convert(place: int) -> int:
        return len(units[: 2 * place].decode("utf-16-le", "replace")) if 0 <= 2 * place <= len(units) else -1

    return convert(start), convert(end)


def _same(found: str, mention: object) -> bool:
    # Label Studio writes a line end in a mention as backslash and n.
    return isinstance(mention, str) and found.split() == mention.replace("\\n", "\n").split()


def _identify(data: Mapping[str, Any]) -> str:
    return next((str(data[name]) for name in ("record_id", "id") if isinstance(data.get(name), str | int)), "")


def _metadata(task: Any, annotation: Mapping[str, Any]) -> dict[str, str]:
    meta = task.get("meta") if isinstance(task.get("meta"), dict) else {}
    given = {**task["data"], **meta}
    plain = {
        name: str(value)
        for name, value in given.items()
        if name not in {"text", "id", "record_id"} and isinstance(value, str | int | float) and not isinstance(value, bool)
    }
    reviewed_at = annotation.get("updated_at") or annotation.get("created_at")
    lead_time = annotation.get("lead_time")
    if isinstance(reviewed_at, str):
        plain["reviewed_at"] = reviewed_at
    if isinstance(lead_time, int | float) and not isinstance(lead_time, bool):
        plain["lead_time_seconds"] = str(lead_time)
    return plain


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{name}: missing or not an object")
    return value


def _count_mentions(task: object) -> int:
    annotations = task.get("annotations") if isinstance(task, dict) else None
    results = [each.get("result") for each in annotations if isinstance(each, dict)] if isinstance(annotations, list) else []
    listed = [result for each in results if isinstance(each, list) for result in each]
    return sum(isinstance(result, dict) and result.get("type") == _LABELS for result in listed)
