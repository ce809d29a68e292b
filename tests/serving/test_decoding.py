"""Whatever a caller sends, decoding gives a request within the limits or a request error that quotes none of it."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from clinical_ner.errors import RequestError
from serving import json_fields, v1, v2_grpc, v2_rest
from serving.inference import InferenceRequest
from serving.settings import Limits
from serving.tensors import read_request

LIMITS = Limits(max_notes=4, max_note_bytes=50, max_body_bytes=10_000)
MARK = "7731946"

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2**70),
    st.floats(),
    st.sampled_from([MARK, "text", "site", "BYTES", "entities", "", "x" * 60]),
)
WORDS = (
    "id inputs outputs parameters name datatype shape data binary_data_size binary_data binary_data_output explain min_score"
)
keys = st.sampled_from([*WORDS.split(), "instances", "text", "site", MARK])
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=5), max_leaves=12
)
"""JSON values made of the protocol's words, rarely in the right place."""


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with some parts replaced by anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(anything)
    if isinstance(value, dict):
        return {key: mutated(draw, item) for key, item in value.items() if draw(st.integers(0, 19))}
    if isinstance(value, list):
        return [mutated(draw, item) for item in value]
    return value


@st.composite
def v2_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Valid requests with faults."""
    texts = draw(st.lists(st.sampled_from(["", "SLE", MARK, "x" * 60]), max_size=5))
    tensors = [{"name": name, "datatype": "BYTES", "shape": [len(texts)], "data": texts} for name in ("text", "site")]
    tensors[1] = {**tensors[1], "data": None, "parameters": {"binary_data_size": draw(st.integers(0, 40))}}
    whole = {
        "id": MARK,
        "inputs": tensors[: draw(st.integers(1, 2))],
        "outputs": [{"name": "entities", "parameters": {"binary_data": True}}],
        "parameters": {"explain": True, "min_score": 0.5},
    }
    return mutated(draw, whole)


def check(decoded: InferenceRequest) -> None:
    assert len(decoded.texts) <= LIMITS.max_notes
    assert all(len(text.encode()) <= LIMITS.max_note_bytes for text in decoded.texts)
    for column in (decoded.sites, decoded.specialties, decoded.note_ids):
        assert len(column) in (0, len(decoded.texts))
    assert 0 <= decoded.min_score <= 1


@given(v2_bodies() | anything, st.binary(max_size=60), st.none() | st.integers(-5, 5))
def test_v2_rest_decodes_or_refuses(value: Any, tail: bytes, offset: int | None) -> None:
    """A v2 body, with or without a binary tail and with a right or wrong header, is read or refused."""
    head = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS) if is_small(value) else b"{}"
    header = None if offset is None else str(len(head) + offset)
    try:
        check(read_request(v2_rest.decode_request(head + tail, header, LIMITS), LIMITS))
    except RequestError as error:
        refused = str(error)
    else:
        refused = ""
    assert MARK not in refused


@given(st.binary(max_size=200), st.none() | st.text(max_size=8))
def test_v2_rest_refuses_noise(body: bytes, header: str | None) -> None:
    """Bytes that are no request are refused."""
    try:
        v2_rest.decode_request(body, header, LIMITS)
    except RequestError as error:
        refused = str(error)
    assert refused


@given(anything)
def test_v1_decodes_or_refuses(value: Any) -> None:
    """A v1 body is read or refused."""
    try:
        check(v1.read_request(json_fields.as_object("body", value), LIMITS, explain=False))
    except RequestError as error:
        refused = str(error)
    else:
        refused = ""
    assert MARK not in refused


@given(
    st.lists(st.sampled_from(["text", "site", MARK]), max_size=3),
    st.lists(st.integers(-1, 3), max_size=2),
    st.lists(st.binary(max_size=12) | st.just(b"\x01\0\0\0a"), max_size=3),
    st.lists(st.sampled_from([b"a", MARK.encode(), b"\xff"]), max_size=5),
)
def test_v2_grpc_decodes_or_refuses(names: list[str], shape: list[int], raw: list[bytes], elements: list[bytes]) -> None:
    """A v2 message is read or refused."""
    message = pb.ModelInferRequest(raw_input_contents=raw)
    for name in names:
        tensor = message.inputs.add(name=name, datatype="BYTES", shape=shape)
        if elements:
            tensor.contents.bytes_contents.extend(elements)
    try:
        check(read_request(v2_grpc.decode_request(message, LIMITS), LIMITS))
    except RequestError as error:
        refused = str(error)
    else:
        refused = ""
    assert MARK not in refused


def is_small(value: Any) -> bool:
    """True when orjson can write ``value``: no integer past 64 bits."""
    if isinstance(value, dict):
        return all(map(is_small, value.values()))
    if isinstance(value, list):
        return all(map(is_small, value))
    return not isinstance(value, int) or value < 2**63
