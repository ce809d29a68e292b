"""The gRPC service of the Open Inference Protocol.

Messages are parsed here and not by gRPC, which would answer one that is not of the protocol with INTERNAL.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb  # type: ignore[import-untyped]

from clinical_ner.errors import ClinicalNerError, RequestError
from serving import v2_grpc
from serving.data_plane import NoteDataPlane
from serving.errors import failure_of
from serving.metrics import ServingMetrics
from serving.model import NoteModel
from serving.tensors import read_request

SERVICE = "inference.GRPCInferenceService"

Method = Callable[[Any], Awaitable[Any]]

log = structlog.get_logger("serving")


class GrpcTransport:
    """The service's methods, each a message in and a message out. The repository's are left out: gRPC answers UNIMPLEMENTED."""

    def __init__(self, model: NoteModel, data_plane: NoteDataPlane, metrics: ServingMetrics) -> None:
        self._model = model
        self._data_plane = data_plane
        self._metrics = metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """What a ``grpc.aio`` server needs."""
        methods = {
            "ServerLive": _unary(pb.ServerLiveRequest, self.server_live),
            "ServerReady": _unary(pb.ServerReadyRequest, self.server_ready),
            "ServerMetadata": _unary(pb.ServerMetadataRequest, self.server_metadata),
            "ModelReady": _unary(pb.ModelReadyRequest, self.model_ready),
            "ModelMetadata": _unary(pb.ModelMetadataRequest, self.model_metadata),
            "ModelInfer": _unary(pb.ModelInferRequest, self.model_infer, self._count),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def server_live(self, _: pb.ServerLiveRequest) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def server_ready(self, _: pb.ServerReadyRequest) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=await self._data_plane.ready())

    async def server_metadata(self, _: pb.ServerMetadataRequest) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(**self._data_plane.metadata())

    async def model_ready(self, message: pb.ModelReadyRequest) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=await self._data_plane.model_ready(message.name, version=message.version))

    async def model_metadata(self, message: pb.ModelMetadataRequest) -> pb.ModelMetadataResponse:
        return pb.ModelMetadataResponse(**await self._data_plane.model_metadata(message.name, message.version))

    async def model_infer(self, message: pb.ModelInferRequest) -> pb.ModelInferResponse:
        self._model.check(message.model_name, message.model_version)
        tensors = v2_grpc.decode_request(message, self._model.limits)
        reply = await self._model.infer(read_request(tensors, self._model.limits))
        return v2_grpc.encode_reply(reply, tensors, raw=bool(message.raw_input_contents))

    def _count(self, status: grpc.StatusCode, seconds: float) -> None:
        self._metrics.count_request("v2-grpc", status.name, seconds)


def _unary(kind: Any, method: Method, count: Callable[[grpc.StatusCode, float], None] | None = None) -> grpc.RpcMethodHandler:
    """A handler that parses a ``kind``, calls ``method``, and answers its errors by the table of ``serving.errors``."""

    async def handle(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        started = time.perf_counter()
        status, reply, message = grpc.StatusCode.CANCELLED, b"", ""
        try:
            status, reply, message = await _call(kind, method, data)
        finally:  # also when gRPC cancels it, because its caller left or its deadline passed: those are the slowest calls
            if count is not None:
                count(status, time.perf_counter() - started)
        if status is not grpc.StatusCode.OK:
            context.set_code(status)
            context.set_details(message)
        return reply

    return grpc.unary_unary_rpc_method_handler(handle)


async def _call(kind: Any, method: Method, data: bytes) -> tuple[grpc.StatusCode, bytes, str]:
    try:
        reply = await method(_parse(kind, data))
        return grpc.StatusCode.OK, reply.SerializeToString(), ""
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer without text
        failure = failure_of(error)
        if isinstance(error, ClinicalNerError):
            log.info("refused", protocol="grpc", status=failure.status.grpc.name, reason=failure.message)
        return failure.status.grpc, b"", failure.message


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise RequestError("message: not one of the protocol (or a name in it is not UTF-8)") from None
