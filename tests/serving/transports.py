"""One v2 request over every wire form, so that the same cases can be asked of each."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import httpx
import orjson
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.serving.server_process import ServerProcess

JSON_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Tensor:
    """``shape`` None means the true one."""

    name: str
    elements: Sequence[bytes]
    datatype: str = "BYTES"
    shape: Sequence[int] | None = None

    @property
    def sent_shape(self) -> list[int]:
        return [len(self.elements)] if self.shape is None else list(self.shape)


@dataclass(frozen=True)
class Request:
    inputs: Sequence[Tensor]
    outputs: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    model: str = "clinical-ner"
    version: str = ""


@dataclass(frozen=True)
class Outcome:
    """``status`` is the HTTP code or the gRPC status's name; ``outputs`` are in the order of the reply."""

    status: int | str
    error: str = ""
    id: str = ""
    model: tuple[str, str] = ("", "")
    outputs: Mapping[str, list[bytes]] = field(default_factory=dict)

    @property
    def entities(self) -> list[list[dict[str, Any]]]:
        return [orjson.loads(element) for element in self.outputs["entities"]]


class Transport(Protocol):
    ok: int | str
    invalid: int | str
    unknown: int | str
    too_large: int | str

    def infer(self, request: Request) -> Outcome: ...


class _Rest:
    ok, invalid, unknown, too_large = 200, 400, 404, 413

    def __init__(self, server: ServerProcess) -> None:
        self._client = httpx.Client(base_url=server.url, timeout=60)

    def post(self, request: Request, body: bytes, headers: Mapping[str, str]) -> Outcome:
        version = f"/versions/{request.version}" if request.version else ""
        path = f"/v2/models/{request.model}{version}/infer"
        response = self._client.post(path, content=body, headers=dict(headers))
        if response.status_code != 200:
            return Outcome(response.status_code, error_of(response))
        size = int(response.headers.get(JSON_LENGTH, len(response.content)))
        head, tail = orjson.loads(response.content[:size]), response.content[size:]
        outputs: dict[str, list[bytes]] = {}
        for output in head["outputs"]:
            if "data" in output:
                elements = [element.encode() for element in output["data"]]
            else:
                count = output["parameters"]["binary_data_size"]
                elements, tail = split(tail[:count]), tail[count:]
            assert output["datatype"] == "BYTES"
            assert output["shape"] == [len(elements)]
            outputs[output["name"]] = elements
        assert not tail
        return Outcome(200, "", head["id"], (head["model_name"], head["model_version"]), outputs)


def error_of(response: httpx.Response) -> str:
    """The text of an error of the protocol; another reply, such as a proxy's page, is named with its status."""
    try:
        return response.json()["error"]
    except (ValueError, LookupError, TypeError) as error:
        raise AssertionError(f"{response.status_code} is not of the protocol: {response.text[:200]}") from error


def fields_of(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = {"inputs": [], "parameters": dict(request.parameters)}
    if request.id:
        fields["id"] = request.id
    if request.outputs:
        fields["outputs"] = [{"name": name} for name in request.outputs]
    return fields


class RestJson(_Rest):
    def infer(self, request: Request) -> Outcome:
        fields = fields_of(request)
        for tensor in request.inputs:
            data = [element.decode() for element in tensor.elements]
            item = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.sent_shape, "data": data}
            fields["inputs"].append(item)
        return self.post(request, orjson.dumps(fields), {})


class RestBinary(_Rest):
    def infer(self, request: Request) -> Outcome:
        fields, tails = fields_of(request), []
        fields["parameters"]["binary_data_output"] = True
        for tensor in request.inputs:
            tails.append(join(tensor.elements))
            item = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.sent_shape}
            fields["inputs"].append({**item, "parameters": {"binary_data_size": len(tails[-1])}})
        head = orjson.dumps(fields)
        headers = {JSON_LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
        return self.post(request, head + b"".join(tails), headers)


class _Grpc:
    ok, invalid, unknown, too_large = "OK", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"
    raw = False

    def __init__(self, server: ServerProcess) -> None:
        options = [("grpc.max_receive_message_length", -1)]
        self._stub = GRPCInferenceServiceStub(grpc.insecure_channel(server.grpc_target, options))

    def infer(self, request: Request) -> Outcome:
        message = pb.ModelInferRequest(model_name=request.model, model_version=request.version, id=request.id)
        for name, value in request.parameters.items():
            message.parameters[name].CopyFrom(parameter(value))
        for name in request.outputs:
            message.outputs.add(name=name)
        for tensor in request.inputs:
            item = message.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.sent_shape)
            if self.raw:
                message.raw_input_contents.append(join(tensor.elements))
            else:
                item.contents.bytes_contents.extend(tensor.elements)
        return self.call(message)

    def call(self, message: pb.ModelInferRequest) -> Outcome:
        try:
            reply = self._stub.ModelInfer(message, timeout=60)
        except grpc.RpcError as error:
            return Outcome(error.code().name, error.details())
        assert bool(reply.raw_output_contents) is self.raw
        outputs = {}
        for number, tensor in enumerate(reply.outputs):
            contents = split(reply.raw_output_contents[number]) if self.raw else list(tensor.contents.bytes_contents)
            assert tensor.datatype == "BYTES"
            assert list(tensor.shape) == [len(contents)]
            outputs[tensor.name] = contents
        return Outcome("OK", "", reply.id, (reply.model_name, reply.model_version), outputs)


class GrpcContents(_Grpc):
    pass


class GrpcRaw(_Grpc):
    raw = True


TRANSPORTS = {"rest-json": RestJson, "rest-binary": RestBinary, "grpc-contents": GrpcContents, "grpc-raw": GrpcRaw}


def parameter(value: Any) -> pb.InferParameter:
    """A parameter as gRPC can hold it: fractions only as strings."""
    if isinstance(value, bool):
        return pb.InferParameter(bool_param=value)
    if isinstance(value, int):
        return pb.InferParameter(int64_param=value)
    return pb.InferParameter(string_param=str(value))


def join(elements: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def split(data: bytes) -> list[bytes]:
    elements = []
    while data:
        (size,) = struct.unpack_from("<I", data)
        elements.append(data[4 : 4 + size])
        data = data[4 + size :]
    return elements
