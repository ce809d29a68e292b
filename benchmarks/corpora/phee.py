"""PHEE (pharmacovigilance events in case reports, MIT) to canonical JSON Lines.

``python benchmarks/corpora/phee.py IN.json OUT.jsonl``

What becomes an entity, and why:

* ``Treatment.Drug`` is a DRUG: the drug's name. The ``Treatment`` span itself is not used, it runs over doses, routes and
  durations around the name; nor is ``Combination``, whose drugs are all in ``Treatment.Drug`` as well.
* ``Effect`` is an EFFECT: what the treatment did, or what it was given for.
* An argument of several fragments is one span per fragment: nearly always they are findings of their own ("macular edema ...
  retinopathy") that one event holds together, not the halves of one finding.
* Equal spans of several events of a sentence become one. Spans that overlap are kept.

A sentence is a document; its report (the id before ``_``) is the ``group_id``, so that a split keeps reports whole.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from clinical_ner.documents import Document, Entity, dump_documents
from clinical_ner.errors import DataError


def convert(data: bytes) -> list[Document]:
    """The sentences of a PHEE file (JSON Lines), in order.

    Raises:
        DataError: a span's text is not what its sentence has at its offset; the message names the line.
    """
    documents = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            documents.append(_convert_sentence(orjson.loads(line)))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise DataError(f"line {number}: not a sentence of PHEE") from error
        except DataError as error:
            raise DataError(f"line {number}: {error}") from error
    return documents


def _convert_sentence(sentence: dict[str, Any]) -> Document:
    text = sentence["context"]
    entities = {
        entity
        for annotation in sentence["annotations"]
        for event in annotation["events"]
        for label, argument in _arguments(event)
        for entity in _spans(argument, label, text)
    }
    metadata = {"group_id": sentence["id"].partition("_")[0]}
    return Document(sentence["id"], text, tuple(sorted(entities)), metadata)


def _arguments(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "Drug" in event.get("Treatment", {}):
        yield "DRUG", event["Treatment"]["Drug"]
    if "Effect" in event:
        yield "EFFECT", event["Effect"]


def _spans(argument: dict[str, Any], label: str, text: str) -> Iterator[Entity]:
    for fragments, starts in zip(argument["text"], argument["start"], strict=True):
        for fragment, start in zip(fragments, starts, strict=True):
            entity = Entity(start, start + len(fragment), label)
            if text[entity.start : entity.end] != fragment:
                raise DataError(f"{label}: text differs from the sentence at {entity.start}:{entity.end}")
            yield entity


def main(source: str, target: str) -> None:
    documents = convert(Path(source).read_bytes())
    Path(target).write_bytes(dump_documents(documents))
    mentions = sum(len(document.entities) for document in documents)
    print(f"{len(documents)} documents, {mentions} mentions -> {target}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python benchmarks/corpora/phee.py IN.json OUT.jsonl")
    main(*sys.argv[1:])
