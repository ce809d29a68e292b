"""Requests that only one wire form can get wrong, each holding a marked patient identifier."""

from collections.abc import Mapping
from typing import Any

import orjson
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.serving.conftest import MAX_BODY_BYTES, MAX_NOTES
from tests.serving.transports import JSON_LENGTH, join

MARK = "Jane Roe MRN 7731946"

PATH = "/v2/models/clinical-ner/infer"

V1 = "/v1/models/clinical-ner:predict"

EXPLAIN = "/v1/models/clinical-ner:explain"


def tensor(**changes: Any) -> dict[str, Any]:
    """A valid text input with fields changed, or removed where None."""
    fields = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [MARK], **changes}
    return {name: value for name, value in fields.items() if value is not None}


def body(*inputs: Any, **fields: Any) -> bytes:
    return orjson.dumps({"inputs": list(inputs) or [tensor()], **fields})


def binary(tail: bytes, size: Any = None, head_size: Any = None, **changes: Any) -> tuple[bytes, dict[str, str]]:
    """A binary request whose claims about sizes can be wrong."""
    parameters = {"binary_data_size": len(tail) if size is None else size}
    head = body(tensor(**{"data": None, "parameters": parameters, **changes}))
    return head + tail, {JSON_LENGTH: str(len(head) if head_size is None else head_size)}


GOOD_TAIL = join([MARK.encode()])

REST: Mapping[str, tuple[str, Any, str]] = {
    # Not JSON of an object
    "empty body": (PATH, b"", "body"),
    "not JSON": (PATH, MARK.encode(), "body"),
    "truncated JSON": (PATH, body()[:-4], "body"),
    "two documents": (PATH, body() + body(), "body"),
    "not UTF-8": (PATH, body().replace(b"Jane", b"Jan\xff"), "body"),
    "lone surrogate": (PATH, body().replace(b"Jane", b"\\ud800"), "body: a lone surrogate"),
    "NaN": (PATH, body().replace(b"[1]", b"[NaN]"), "body"),
    "nested too deep": (PATH, b"[" * 5000, "body"),
    "UTF-16": (PATH, body().decode().encode("utf-16"), "body"),
    "a string": (PATH, orjson.dumps(MARK), "body"),
    "a list": (PATH, orjson.dumps([MARK]), "body"),
    "null": (PATH, b"null", "body"),
    # inputs
    "no inputs": (PATH, b'{"id": "7731946"}', "inputs"),
    "inputs null": (PATH, b'{"inputs": null}', "inputs"),
    "inputs an object": (PATH, orjson.dumps({"inputs": {"text": MARK}}), "inputs"),
    "inputs a string": (PATH, orjson.dumps({"inputs": MARK}), "inputs"),
    "input a string": (PATH, body(MARK), "inputs[0]"),
    "input null": (PATH, body(tensor(), None), "inputs[1]"),
    "name missing": (PATH, body(tensor(name=None)), "inputs[0].name"),
    "name a number": (PATH, body(tensor(name=7731946)), "inputs[0].name"),
    "datatype missing": (PATH, body(tensor(datatype=None)), "inputs[0].datatype"),
    "datatype a list": (PATH, body(tensor(datatype=[MARK])), "inputs[0].datatype"),
    "datatype lower case": (PATH, body(tensor(datatype="bytes")), "inputs[0].datatype"),
    "shape missing": (PATH, body(tensor(shape=None)), "inputs[0].shape"),
    "shape a number": (PATH, body(tensor(shape=1)), "inputs[0].shape"),
    "shape of strings": (PATH, body(tensor(shape=[MARK])), "inputs[0].shape[0]"),
    "shape of fractions": (PATH, body(tensor(shape=[1.0])), "inputs[0].shape[0]"),
    "shape of true": (PATH, body(tensor(shape=[True])), "inputs[0].shape[0]"),
    "shape of null": (PATH, body(tensor(shape=[None])), "inputs[0].shape[0]"),
    "shape past 64 bits": (PATH, body().replace(b"[1]", b"[1" + b"0" * 40 + b"]"), "inputs[0].shape[0]"),
    "data missing": (PATH, body(tensor(data=None)), "inputs[0].data"),
    "data a string": (PATH, body(tensor(data=MARK)), "inputs[0].data"),
    "data an object": (PATH, body(tensor(data={"0": MARK})), "inputs[0].data"),
    "element a number": (PATH, body(tensor(data=[7731946])), "inputs[0].data[0]"),
    "element null": (PATH, body(tensor(shape=[2], data=[MARK, None])), "inputs[0].data[1]"),
    "element a list": (PATH, body(tensor(data=[[MARK]])), "inputs[0].data[0]"),
    "parameters of input a list": (PATH, body(tensor(parameters=[MARK])), "inputs[0].parameters"),
    # the rest of the request
    "id a number": (PATH, body(id=7731946), "id"),
    "id an object": (PATH, body(id={"mrn": MARK}), "id"),
    "parameters a list": (PATH, body(parameters=[MARK]), "parameters"),
    "parameters a string": (PATH, body(parameters=MARK), "parameters"),
    "explain null": (PATH, body(parameters={"explain": None}), "parameters.explain"),
    "min_score a list": (PATH, body(parameters={"min_score": [MARK]}), "parameters.min_score"),
    "binary_data_output a string": (PATH, body(parameters={"binary_data_output": MARK}), "parameters.binary_data_output"),
    "outputs an object": (PATH, body(outputs={"name": MARK}), "outputs"),
    "outputs a string": (PATH, body(outputs=MARK), "outputs"),
    "output a string": (PATH, body(outputs=[MARK]), "outputs[0]"),
    "output without name": (PATH, body(outputs=[{"mrn": MARK}]), "outputs[0].name"),
    "output's parameters": (PATH, body(outputs=[{"name": "entities", "parameters": MARK}]), "outputs[0].parameters"),
    "output's binary_data": (
        PATH,
        body(outputs=[{"name": "entities", "parameters": {"binary_data": MARK}}]),
        "outputs[0].parameters.binary_data",
    ),
    # the binary extension
    "binary without header": (PATH, (binary(GOOD_TAIL)[0], {}), "body"),
    "binary size without tail or header": (
        PATH,
        body(tensor(data=None, parameters={"binary_data_size": 4})),
        "inputs[0].parameters.binary_data_size",
    ),
    "header not a number": (PATH, binary(GOOD_TAIL, head_size=MARK), JSON_LENGTH),
    "header negative": (PATH, binary(GOOD_TAIL, head_size=-1), JSON_LENGTH),
    "header past the body": (PATH, binary(GOOD_TAIL, head_size=10**6), JSON_LENGTH),
    "header huge": (PATH, binary(GOOD_TAIL, head_size="9" * 5000), JSON_LENGTH),
    "header too short": (PATH, binary(GOOD_TAIL, head_size=5), "body"),
    "header zero": (PATH, binary(GOOD_TAIL, head_size=0), "body"),
    "binary size past the body": (PATH, binary(GOOD_TAIL, size=10**6), "inputs[0].parameters.binary_data_size"),
    "binary size negative": (PATH, binary(GOOD_TAIL, size=-4), "inputs[0].parameters.binary_data_size"),
    "binary size a string": (PATH, binary(GOOD_TAIL, size=MARK), "inputs[0].parameters.binary_data_size"),
    "binary size null": (PATH, binary(GOOD_TAIL, size=True), "inputs[0].parameters.binary_data_size"),
    "binary and data": (PATH, binary(GOOD_TAIL, data=[MARK]), "inputs[0].data"),
    "tail not used": (PATH, binary(GOOD_TAIL + b"7731946", size=len(GOOD_TAIL)), "inputs"),
    "tail ends in a length": (PATH, binary(GOOD_TAIL + b"\1\0"), "inputs[0].data"),
    "tail ends in an element": (PATH, binary(GOOD_TAIL[:-1]), "inputs[0].data"),
    "element length huge": (PATH, binary(b"\xff\xff\xff\xff" + MARK.encode()), "inputs[0].data"),
    "element not UTF-8": (PATH, binary(join([MARK.encode() + b"\xff"])), "inputs[0].data[0]"),
    "element a surrogate": (PATH, binary(join([b"\xed\xa0\x80" + MARK.encode()])), "inputs[0].data[0]"),
    # v1
    "v1 empty": (V1, b"", "body"),
    "v1 not JSON": (V1, MARK.encode(), "body"),
    "v1 a list": (V1, orjson.dumps([MARK]), "body"),
    "v1 no instances": (V1, orjson.dumps({"inputs": [MARK]}), "instances"),
    "v1 instances a string": (V1, orjson.dumps({"instances": MARK}), "instances"),
    "v1 instance a number": (V1, orjson.dumps({"instances": [7731946]}), "instances[0]"),
    "v1 instance a list": (V1, orjson.dumps({"instances": [MARK, [MARK]]}), "instances[1]"),
    "v1 instance without text": (V1, orjson.dumps({"instances": [{"note": MARK}]}), "instances[0].text"),
    "v1 text a number": (V1, orjson.dumps({"instances": [{"text": 7731946}]}), "instances[0].text"),
    "v1 site a list": (V1, orjson.dumps({"instances": [{"text": MARK, "site": [MARK]}]}), "instances[0].site"),
    "v1 parameters": (V1, orjson.dumps({"instances": [MARK], "parameters": MARK}), "parameters"),
    "v1 min_score": (V1, orjson.dumps({"instances": [MARK], "parameters": {"min_score": MARK}}), "parameters.min_score"),
    "v1 explain, no instances": (EXPLAIN, orjson.dumps({"note": MARK}), "instances"),
}

REST_TOO_LARGE: Mapping[str, tuple[str, bytes]] = {
    "body": (PATH, body(tensor(data=[MARK * MAX_BODY_BYTES]))),
    "v1 body": (V1, body(tensor(data=[MARK * MAX_BODY_BYTES]))),
    "v1 notes": (V1, orjson.dumps({"instances": [MARK] * (MAX_NOTES + 1)})),
    "empty elements": (PATH, body(tensor(shape=[9000], data=[""] * 9000))),
}


def marked(**changes: Any) -> pb.ModelInferRequest:
    """A gRPC request with one text; ``changes`` are fields of the message."""
    message = pb.ModelInferRequest(model_name="clinical-ner", **changes)
    if not message.inputs:
        message.inputs.add(name="text", datatype="BYTES", shape=[1])
    return message


def with_contents(**contents: Any) -> pb.ModelInferRequest:
    message = marked()
    message.inputs[0].contents.CopyFrom(pb.InferTensorContents(**contents))
    return message


GRPC: Mapping[str, tuple[pb.ModelInferRequest, str]] = {
    "no contents": (marked(), "inputs[0].shape"),
    "integers": (with_contents(int_contents=[7731946]), "inputs[0].contents"),
    "integers beside bytes": (with_contents(int_contents=[1], bytes_contents=[MARK.encode()]), "inputs[0].contents"),
    "not UTF-8": (with_contents(bytes_contents=[MARK.encode() + b"\xff"]), "inputs[0].data[0]"),
    "a surrogate": (with_contents(bytes_contents=[b"\xed\xa0\x80" + MARK.encode()]), "inputs[0].data[0]"),
    "raw not UTF-8": (marked(raw_input_contents=[join([MARK.encode() + b"\xff"])]), "inputs[0].data[0]"),
    "raw too many": (marked(raw_input_contents=[GOOD_TAIL, GOOD_TAIL]), "raw_input_contents"),
    "raw ends in a length": (marked(raw_input_contents=[GOOD_TAIL + b"\1"]), "raw_input_contents[0]"),
    "raw ends in an element": (marked(raw_input_contents=[GOOD_TAIL[:-1]]), "raw_input_contents[0]"),
    "raw without lengths": (marked(raw_input_contents=[MARK.encode()]), "raw_input_contents[0]"),
    "raw without inputs": (
        pb.ModelInferRequest(model_name="clinical-ner", raw_input_contents=[GOOD_TAIL]),
        "raw_input_contents",
    ),
    "parameter of no kind": (marked(parameters={"min_score": pb.InferParameter()}), "inputs[0].shape"),
}
