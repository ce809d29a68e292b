"""The v1 protocol: ``{"instances": [...]}`` in, ``{"predictions": [...]}`` or ``{"explanations": [...]}`` out.

An instance is a note's text, or an object with ``text`` and optionally ``site``, ``specialty`` and ``note_id``.
``parameters`` may hold ``min_score`` and ``explain`` as in v2.
"""

from typing import Any

import orjson

from clinical_ner.errors import RequestError
from serving import json_fields
from serving.inference import InferenceReply, InferenceRequest
from serving.settings import Limits
from serving.tensors import INPUTS, TEXT, check_count, check_text, read_parameters


def read_request(fields: dict[str, Any], limits: Limits, *, explain: bool) -> InferenceRequest:
    """Check a request's object; ``explain`` is what its path says.

    Raises:
        RequestError: ``instances`` or a parameter is missing or wrong.
        RequestTooLarge: there are too many notes or one is too long.
    """
    instances = json_fields.as_list("instances", fields.get("instances"))
    check_count("instances", len(instances), limits)
    asked, min_score = read_parameters(json_fields.optional_object("parameters", fields.get("parameters")))
    notes = [_read_instance(f"instances[{number}]", item, limits) for number, item in enumerate(instances)]
    return InferenceRequest(
        texts=[note[TEXT] for note in notes],
        note_ids=[note.get("note_id", "") for note in notes],
        sites=[note.get("site", "") for note in notes],
        specialties=[note.get("specialty", "") for note in notes],
        explain=explain or asked,
        min_score=min_score,
    )


def reply_fields(reply: InferenceReply, *, explain: bool) -> dict[str, Any]:
    """The reply's object, one ``{record_id, entities}`` a note."""
    notes = [
        {"record_id": record_id, "entities": orjson.Fragment(entities)}
        for record_id, entities in zip(reply.record_ids, reply.entities, strict=True)
    ]
    return {
        "model_name": reply.model_name,
        "model_version": reply.model_version,
        "explanations" if explain else "predictions": notes,
    }


def _read_instance(field: str, value: object, limits: Limits) -> dict[str, str]:
    if isinstance(value, str):
        return {TEXT: check_text(field, value, limits)}
    if not isinstance(value, dict):
        raise RequestError(f"{field}: neither a string nor an object")
    if TEXT not in value:
        raise RequestError(f"{field}.{TEXT}: missing")
    return {
        name: check_text(f"{field}.{name}", json_fields.as_string(f"{field}.{name}", value[name]), limits)
        for name in INPUTS
        if name in value
    }
