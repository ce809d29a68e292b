"""Tensors of the Open Inference Protocol, checked and turned into an :class:`InferenceRequest`, whatever wire brought them.

An error names the field by its path in the request (``inputs[0].shape``, ``inputs[0].data[3]``) and holds nothing of what the
caller sent: not a value, not a name.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from clinical_ner.errors import RequestError, RequestTooLarge
from serving.inference import InferenceReply, InferenceRequest
from serving.settings import Limits

TEXT = "text"
INPUTS = (TEXT, "site", "specialty", "note_id")
OUTPUTS = ("entities", "record_id")
DATATYPE = "BYTES"

INPUT_METADATA = [{"name": name, "datatype": DATATYPE, "shape": [-1]} for name in INPUTS]
OUTPUT_METADATA = [{"name": name, "datatype": DATATYPE, "shape": [-1]} for name in OUTPUTS]

_LENGTH = struct.Struct("<I")


class InputTensor(NamedTuple):
    """An input as it came; ``data`` holds ``str`` (JSON) or UTF-8 ``bytes`` (every other wire)."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[str | bytes]


class RequestedOutput(NamedTuple):
    name: str
    binary: bool = False


@dataclass(frozen=True, slots=True)
class TensorRequest:
    """A v2 request, its parts of the right types and nothing else checked. No ``outputs`` means all."""

    inputs: Sequence[InputTensor]
    outputs: Sequence[RequestedOutput] = ()
    parameters: Mapping[str, Any] | None = None
    id: str = ""


def read_request(request: TensorRequest, limits: Limits) -> InferenceRequest:
    """Check ``request`` against the model's signature and ``limits``.

    Raises:
        RequestError: an input, output or parameter is missing, unknown or wrong.
        RequestTooLarge: there are too many notes or one is too long.
    """
    _check_outputs(request.outputs)
    columns: dict[str, list[str]] = {}
    for number, tensor in enumerate(request.inputs):
        field = f"inputs[{number}]"
        if tensor.name not in INPUTS:
            raise RequestError(f"{field}.name: unknown; the model's inputs are {', '.join(INPUTS)}")
        if tensor.name in columns:
            raise RequestError(f"{field}.name: given twice")
        columns[tensor.name] = _read_column(field, tensor, limits)
    if TEXT not in columns:
        raise RequestError(f"inputs: none is named {TEXT!r}")
    for name, column in columns.items():
        if len(column) != len(columns[TEXT]):
            raise RequestError(f"inputs: {name!r} has not as many elements as {TEXT!r}")
    explain, min_score = read_parameters(request.parameters or {})
    return InferenceRequest(
        texts=columns[TEXT],
        id=request.id,
        sites=columns.get("site", ()),
        specialties=columns.get("specialty", ()),
        note_ids=columns.get("note_id", ()),
        explain=explain,
        min_score=min_score,
    )


def read_parameters(parameters: Mapping[str, Any]) -> tuple[bool, float]:
    """``explain`` and ``min_score`` of a request; other parameters are not ours and are ignored, as the protocol allows.

    ``min_score`` may be a string holding the number: a gRPC parameter cannot be a fraction otherwise.
    """
    explain = parameters.get("explain", False)
    if not isinstance(explain, bool):
        raise RequestError("parameters.explain: not true or false")
    return explain, _read_score(parameters.get("min_score", 0.0))


def output_data(reply: InferenceReply, name: str) -> Sequence[bytes]:
    """The elements of output ``name``, one of :data:`OUTPUTS`."""
    return reply.entities if name == "entities" else [record_id.encode() for record_id in reply.record_ids]


def join_elements(elements: Sequence[bytes]) -> bytes:
    """The binary form of a BYTES tensor: each element after its length as 4 little-endian bytes."""
    return b"".join(part for element in elements for part in (_LENGTH.pack(len(element)), element))


def split_elements(field: str, data: bytes, limits: Limits) -> list[bytes]:
    """Undo :func:`join_elements`.

    Raises:
        RequestError: ``data`` ends within a length or an element.
        RequestTooLarge: it holds more elements than a request may; the rest is not looked at.
    """
    return list(_elements(field, data, limits))


def check_count(field: str, count: int, limits: Limits) -> None:
    if count > limits.max_notes:
        raise RequestTooLarge(f"{field}: more elements than max_notes = {limits.max_notes:,}; send several requests")


def check_text(field: str, text: str | bytes, limits: Limits) -> str:
    """One element as text.

    Raises:
        RequestError: it is not UTF-8.
        RequestTooLarge: it is longer than a note may be.
    """
    if isinstance(text, str):
        # A code point takes 1 to 4 bytes: encode only where the answer is open.
        size = len(text) if text.isascii() or len(text) * 4 <= limits.max_note_bytes else len(text.encode())
    else:
        size = len(text)
    if size > limits.max_note_bytes:
        raise RequestTooLarge(f"{field}: more bytes than max_note_bytes = {limits.max_note_bytes:,}")
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"{field}: not UTF-8 at byte {error.start}") from None


def _elements(field: str, data: bytes, limits: Limits) -> Iterator[bytes]:
    offset, count = 0, 0
    while offset < len(data):
        if offset + _LENGTH.size > len(data):
            raise RequestError(f"{field}: ends within the length of element {count}")
        (size,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        if offset + size > len(data):
            raise RequestError(f"{field}: ends within element {count}")
        yield data[offset : offset + size]
        offset += size
        count += 1
        check_count(field, count, limits)


def _check_outputs(outputs: Sequence[RequestedOutput]) -> None:
    seen: set[str] = set()
    for number, output in enumerate(outputs):
        if output.name not in OUTPUTS:
            raise RequestError(f"outputs[{number}].name: unknown; the model's outputs are {', '.join(OUTPUTS)}")
        if output.name in seen:
            raise RequestError(f"outputs[{number}].name: given twice")
        seen.add(output.name)


def _read_column(field: str, tensor: InputTensor, limits: Limits) -> list[str]:
    if tensor.datatype != DATATYPE:
        raise RequestError(f"{field}.datatype: must be {DATATYPE}")
    if len(tensor.shape) != 1:
        raise RequestError(f"{field}.shape: must have one dimension")
    check_count(f"{field}.data", len(tensor.data), limits)
    if tensor.shape[0] != len(tensor.data):
        raise RequestError(f"{field}.shape: must be [{len(tensor.data)}], the number of elements in data")
    return [check_text(f"{field}.data[{number}]", text, limits) for number, text in enumerate(tensor.data)]


def _read_score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RequestError("parameters.min_score: not a number")
    try:
        score = float(value)
    except (ValueError, OverflowError):
        raise RequestError("parameters.min_score: not a number") from None
    if not 0 <= score <= 1:  # NaN is not, either
        raise RequestError("parameters.min_score: not between 0 and 1")
    return score
