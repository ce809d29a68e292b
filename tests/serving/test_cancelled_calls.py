"""Callers who stop to wait: the thread that tags for them cannot be stopped, and nobody may tag beside it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import grpc
import orjson
import pytest
from kserve.model_repository import ModelRepository
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from prometheus_client import CollectorRegistry

from clinical_ner.model_package import Manifest
from clinical_ner.tagger import Annotation, Tagger
from serving.data_plane import NoteDataPlane
from serving.grpc_service import GrpcTransport
from serving.inference import Annotator, InferenceRequest
from serving.metrics import ServingMetrics
from serving.model import NoteModel
from serving.settings import Limits

INLINE_BYTES = 64
LONG = "long " * INLINE_BYTES
SHORT = "short"


class HeldTagger:
    """Holds long notes until ``let_go`` is set, and records how many were within :meth:`annotate` at the same time."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.let_go = threading.Event()
        self.entered = threading.Event()
        self.seen: list[str] = []
        self.at_once = 0
        self._within = 0

    def annotate(self, text: str) -> Annotation:
        self._within += 1
        self.at_once = max(self.at_once, self._within)
        self.seen.append(text)
        self.entered.set()
        if text == LONG:
            assert self.let_go.wait(30)
        self._within -= 1
        return Annotation((), 1, 2, 1)

    def explain(self, text: str, entities: Sequence[object]) -> list[object]:
        return []


@pytest.fixture
def held(tagger: Tagger) -> HeldTagger:
    return HeldTagger(tagger.manifest)


def model_of(tagger: HeldTagger, registry: CollectorRegistry) -> tuple[NoteModel, ServingMetrics]:
    metrics = ServingMetrics(registry)
    model = NoteModel(Limits(), INLINE_BYTES)
    model.adopt(Annotator(tagger, metrics))
    return model, metrics


async def entered(tagger: HeldTagger) -> None:
    assert await asyncio.to_thread(tagger.entered.wait, 30)


def test_cancelled_request_keeps_its_turn(held: HeldTagger) -> None:
    """A short request that comes after a long one's caller left waits until the long one is tagged: no two are at once."""

    async def ask() -> None:
        model, _ = model_of(held, CollectorRegistry())
        left = asyncio.create_task(model.infer(InferenceRequest([LONG])))
        await entered(held)
        left.cancel()
        await asyncio.wait([left])
        short = asyncio.create_task(model.infer(InferenceRequest([SHORT])))
        await asyncio.sleep(0)
        assert held.seen == [LONG]
        held.let_go.set()
        assert (await short).entities == [b"[]"]

    asyncio.run(ask())

    assert held.seen == [LONG, SHORT]
    assert held.at_once == 1


def test_request_cancelled_in_the_queue_is_not_tagged(held: HeldTagger) -> None:
    """A request whose caller left before its turn is forgotten, but the one before it still has the turn."""

    async def ask() -> None:
        model, _ = model_of(held, CollectorRegistry())
        first = asyncio.create_task(model.infer(InferenceRequest([LONG])))
        await entered(held)
        queued = asyncio.create_task(model.infer(InferenceRequest(["queued"])))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.wait([queued])
        short = asyncio.create_task(model.infer(InferenceRequest([SHORT])))
        await asyncio.sleep(0)
        held.let_go.set()
        await asyncio.gather(first, short)

    asyncio.run(ask())

    assert held.seen == [LONG, SHORT]
    assert held.at_once == 1


def test_short_requests_are_tagged_at_once_again(held: HeldTagger) -> None:
    """When the thread has finished what nobody waits for, short requests go without it as before."""
    threads: list[str] = []

    async def ask() -> None:
        model, _ = model_of(held, CollectorRegistry())
        left = asyncio.create_task(model.infer(InferenceRequest([LONG])))
        await entered(held)
        left.cancel()
        held.let_go.set()
        await model.infer(InferenceRequest([SHORT]))
        annotate = held.annotate
        held.annotate = lambda text: threads.append(threading.current_thread().name) or annotate(text)
        await model.infer(InferenceRequest([SHORT]))

    asyncio.run(ask())

    assert threads == [threading.main_thread().name]


@asynccontextmanager
async def grpc_stub(model: NoteModel, metrics: ServingMetrics) -> AsyncIterator[GRPCInferenceServiceStub]:
    """A caller of the model's gRPC service on a real socket."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    transport = GrpcTransport(model, NoteDataPlane(ModelRepository(), model), metrics)
    server.add_generic_rpc_handlers((transport.handler(),))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield GRPCInferenceServiceStub(channel)
    finally:
        await server.stop(None)


def message_of(text: str) -> pb.ModelInferRequest:
    message = pb.ModelInferRequest(model_name="clinical-ner")
    message.inputs.add(name="text", datatype="BYTES", shape=[1]).contents.bytes_contents.append(text.encode())
    return message


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_call_beyond_its_deadline_keeps_its_turn_and_is_counted(held: HeldTagger) -> None:
    """Over gRPC: after a call's deadline the next call is not tagged beside it, and the slow one is in the metrics."""
    registry = CollectorRegistry()
    grpc_only = {"model_version": held.manifest.served_version, "protocol": "v2-grpc"}

    def counted(status: str) -> float | None:
        return registry.get_sample_value("clinical_ner_requests_total", {**grpc_only, "status": status})

    async def ask() -> None:
        async with grpc_stub(*model_of(held, registry)) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.ModelInfer(message_of(LONG), timeout=1)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await until(lambda: counted("CANCELLED"))
            short = asyncio.ensure_future(stub.ModelInfer(message_of(SHORT)))
            await stub.ServerLive(pb.ServerLiveRequest())
            held.let_go.set()
            reply = await short
            assert orjson.loads(reply.outputs[0].contents.bytes_contents[0]) == []

    asyncio.run(ask())

    assert held.seen == [LONG, SHORT]
    assert held.at_once == 1
    assert (counted("OK"), counted("CANCELLED")) == (1, 1)
    assert registry.get_sample_value("clinical_ner_request_seconds_count", grpc_only) == 2
    assert registry.get_sample_value("clinical_ner_request_seconds_sum", grpc_only) > 0.5
