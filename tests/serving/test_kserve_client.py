"""KServe's own clients get along with the server."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import orjson
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig

from clinical_ner.tagger import Tagger
from tests.serving.server_process import ServerProcess

Infer = Callable[[ServerProcess, InferRequest], Awaitable[InferResponse]]


def request(texts: list[str], *, binary: bool) -> InferRequest:
    tensor = InferInput("text", [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=object), binary_data=binary)
    return InferRequest("clinical-ner", [tensor], request_id="42")


async def infer_rest(server: ServerProcess, asked: InferRequest) -> InferResponse:
    async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=30)) as client:
        assert await client.is_server_live(server.url)
        assert await client.is_server_ready(server.url)
        assert await client.is_model_ready(server.url, "clinical-ner")
        return await client.infer(server.url, asked, model_name="clinical-ner")


async def infer_grpc(server: ServerProcess, asked: InferRequest) -> InferResponse:
    async with InferenceGRPCClient(server.grpc_target) as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("clinical-ner")
        return await client.infer(asked)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("infer", [infer_rest, infer_grpc])
def test_kserve_client_reads_the_reply(
    server: ServerProcess, tagger: Tagger, notes: list[str], infer: Infer, *, binary: bool
) -> None:
    """KServe's client sends BYTES in both forms and reads entities and id from the reply."""
    reply = asyncio.run(infer(server, request(notes, binary=binary)))
    elements = {output.name: output.as_numpy() for output in reply.outputs}

    assert (reply.model_name, reply.id) == ("clinical-ner", "42")
    # KServe's REST client forgets the version that the reply holds.
    assert infer is infer_rest or reply.model_version == tagger.served_version
    found = [len(orjson.loads(element)) for element in elements["entities"]]
    assert found == [len(tagger.annotate(note).entities) for note in notes]


def test_kserve_client_speaks_v1(server: ServerProcess, notes: list[str]) -> None:
    """KServe's v1 client gets a prediction for each instance."""

    async def infer() -> dict[str, list[object]]:
        async with InferenceRESTClient(RESTConfig(protocol="v1", timeout=30)) as client:
            return await client.infer(server.url, {"instances": notes}, model_name="clinical-ner")

    assert len(asyncio.run(infer())["predictions"]) == len(notes)
