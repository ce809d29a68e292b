"""The v2 protocol over HTTP: JSON, and its binary tensor extension.

With the extension a body is JSON, as long as the header ``Inference-Header-Content-Length`` says, followed by the elements of
every input that has the parameter ``binary_data_size``, in their order. A reply has the same form.
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/extension_binary_data.md
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from clinical_ner.errors import RequestError
from serving import json_fields
from serving.inference import InferenceReply
from serving.settings import Limits
from serving.tensors import (
    DATATYPE,
    OUTPUTS,
    InputTensor,
    RequestedOutput,
    TensorRequest,
    check_count,
    join_elements,
    output_data,
    split_elements,
)

JSON_LENGTH_HEADER = "Inference-Header-Content-Length"


class EncodedReply(NamedTuple):
    """A body; ``json_length`` is how much of it is JSON where binary tensors follow, else None."""

    body: bytes
    json_length: int | None


def decode_request(body: bytes, json_length: str | None, limits: Limits) -> TensorRequest:
    """Read a body; ``json_length`` is the header's value, None without it.

    Raises:
        RequestError: the body or header is not of the protocol's form.
        RequestTooLarge: an input has too many elements.
    """
    size = len(body) if json_length is None else _read_json_length(json_length, len(body))
    fields = json_fields.parse_object(body[:size])
    tail = _Tail(body[size:], limits)
    parameters = json_fields.optional_object("parameters", fields.get("parameters"))
    request = TensorRequest(
        inputs=[
            _decode_input(f"inputs[{number}]", value, tail, has_tail=json_length is not None)
            for number, value in enumerate(json_fields.as_list("inputs", fields.get("inputs")))
        ],
        outputs=list(_decode_outputs(fields.get("outputs"), parameters)),
        parameters=parameters,
        id=json_fields.as_string("id", fields.get("id") or ""),
    )
    tail.check_end()
    return request


def encode_reply(reply: InferenceReply, outputs: Sequence[RequestedOutput]) -> EncodedReply:
    """Write the requested outputs in their order, all as JSON when none is named."""
    tensors, tails = [], []
    for output in outputs or [RequestedOutput(name) for name in OUTPUTS]:
        elements = output_data(reply, output.name)
        tensor: dict[str, Any] = {"name": output.name, "datatype": DATATYPE, "shape": [len(elements)]}
        if output.binary:
            tails.append(join_elements(elements))
            tensor["parameters"] = {"binary_data_size": len(tails[-1])}
        else:
            tensor["data"] = [element.decode() for element in elements]
        tensors.append(tensor)
    head = orjson.dumps(
        {"model_name": reply.model_name, "model_version": reply.model_version, "id": reply.id, "outputs": tensors}
    )
    return EncodedReply(b"".join([head, *tails]), len(head) if tails else None)


class _Tail:
    """What follows the JSON, taken input by input."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self.limits = limits
        self._offset = 0

    def take(self, field: str, size: int) -> list[bytes]:
        end = self._offset + size
        if end > len(self._data):
            raise RequestError(f"{field}.parameters.binary_data_size: more than the body still holds")
        part, self._offset = self._data[self._offset : end], end
        return split_elements(f"{field}.data", part, self.limits)

    def check_end(self) -> None:
        if self._offset != len(self._data):
            raise RequestError("inputs: their binary_data_size do not add up to what follows the JSON")


def _read_json_length(value: str, body_size: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 16 and int(value) <= body_size):
        raise RequestError(f"{JSON_LENGTH_HEADER}: not a number of bytes within the body")
    return int(value)


def _decode_input(field: str, value: object, tail: _Tail, *, has_tail: bool) -> InputTensor:
    fields = json_fields.as_object(field, value)
    parameters = json_fields.optional_object(f"{field}.parameters", fields.get("parameters"))
    return InputTensor(
        name=json_fields.as_string(f"{field}.name", fields.get("name")),
        datatype=json_fields.as_string(f"{field}.datatype", fields.get("datatype")),
        shape=[
            json_fields.as_size(f"{field}.shape[{number}]", size)
            for number, size in enumerate(json_fields.as_list(f"{field}.shape", fields.get("shape")))
        ],
        data=_decode_data(field, fields, parameters, tail, has_tail=has_tail),
    )


def _decode_data(
    field: str, fields: dict[str, Any], parameters: dict[str, Any], tail: _Tail, *, has_tail: bool
) -> Sequence[str | bytes]:
    if "binary_data_size" not in parameters:
        data = json_fields.as_list(f"{field}.data", fields.get("data"))
        check_count(f"{field}.data", len(data), tail.limits)
        return json_fields.as_strings(f"{field}.data", data)
    if not has_tail:
        raise RequestError(f"{field}.parameters.binary_data_size: needs the header {JSON_LENGTH_HEADER}")
    if fields.get("data") is not None:
        raise RequestError(f"{field}.data: given although binary_data_size says that it follows the JSON")
    size = json_fields.as_size(f"{field}.parameters.binary_data_size", parameters["binary_data_size"])
    return tail.take(field, size)


def _decode_outputs(value: object, parameters: dict[str, Any]) -> Iterator[RequestedOutput]:
    default = json_fields.as_flag("parameters.binary_data_output", parameters.get("binary_data_output", False))
    if not value and (value is None or isinstance(value, list)):
        yield from (RequestedOutput(name, default) for name in OUTPUTS)
        return
    for number, item in enumerate(json_fields.as_list("outputs", value)):
        field = f"outputs[{number}]"
        fields = json_fields.as_object(field, item)
        options = json_fields.optional_object(f"{field}.parameters", fields.get("parameters"))
        yield RequestedOutput(
            json_fields.as_string(f"{field}.name", fields.get("name")),
            json_fields.as_flag(f"{field}.parameters.binary_data", options.get("binary_data", default)),
        )
