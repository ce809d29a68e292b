"""The v2 protocol over gRPC: elements in ``contents.bytes_contents``, or all inputs in ``raw_input_contents``.

A reply has the form of its request.
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md
"""

from typing import Any

from kserve.protocol.grpc.grpc_predict_v2_pb2 import (  # type: ignore[import-untyped]
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)

from clinical_ner.errors import RequestError
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


def decode_request(message: ModelInferRequest, limits: Limits) -> TensorRequest:
    """Read a message.

    Raises:
        RequestError: its contents are of another type, missing, or given in both forms.
        RequestTooLarge: an input has too many elements.
    """
    return TensorRequest(
        inputs=_decode_raw(message, limits) if message.raw_input_contents else _decode_contents(message, limits),
        outputs=[RequestedOutput(output.name) for output in message.outputs],
        parameters=_decode_parameters(message.parameters),
        id=message.id,
    )


def encode_reply(reply: InferenceReply, request: TensorRequest, *, raw: bool) -> ModelInferResponse:
    """Write the requested outputs in their order, all when none is named."""
    message = ModelInferResponse(model_name=reply.model_name, model_version=reply.model_version, id=reply.id)
    for output in request.outputs or [RequestedOutput(name) for name in OUTPUTS]:
        elements = output_data(reply, output.name)
        tensor = message.outputs.add(name=output.name, datatype=DATATYPE, shape=[len(elements)])
        if raw:
            message.raw_output_contents.append(join_elements(elements))
        else:
            tensor.contents.bytes_contents.extend(elements)
    return message


def _decode_raw(message: ModelInferRequest, limits: Limits) -> list[InputTensor]:
    if len(message.raw_input_contents) != len(message.inputs):
        raise RequestError("raw_input_contents: not one element an input")
    tensors = []
    for number, (tensor, data) in enumerate(zip(message.inputs, message.raw_input_contents, strict=True)):
        if tensor.HasField("contents"):
            raise RequestError(f"inputs[{number}].contents: given beside raw_input_contents")
        elements = split_elements(f"raw_input_contents[{number}]", data, limits)
        tensors.append(InputTensor(tensor.name, tensor.datatype, tensor.shape, elements))
    return tensors


def _decode_contents(message: ModelInferRequest, limits: Limits) -> list[InputTensor]:
    tensors = []
    for number, tensor in enumerate(message.inputs):
        field = f"inputs[{number}].contents"
        elements = tensor.contents.bytes_contents
        check_count(f"{field}.bytes_contents", len(elements), limits)
        if tensor.HasField("contents") and tensor.contents != InferTensorContents(bytes_contents=elements):
            raise RequestError(f"{field}: only bytes_contents holds {DATATYPE}")
        tensors.append(InputTensor(tensor.name, tensor.datatype, tensor.shape, elements))
    return tensors


def _decode_parameters(parameters: Any) -> dict[str, Any]:
    values = {name: _parameter_value(value) for name, value in parameters.items()}
    return {name: value for name, value in values.items() if value is not None}


def _parameter_value(parameter: Any) -> bool | int | str | None:
    kind = parameter.WhichOneof("parameter_choice")
    return None if kind is None else getattr(parameter, kind)
