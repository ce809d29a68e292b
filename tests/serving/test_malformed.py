"""Malformed requests are refused with the name of the field, and nothing of them comes back or is logged."""

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.serving.conftest import MAX_BODY_BYTES
from tests.serving.malformed import GOOD_TAIL, GRPC, MARK, REST, REST_TOO_LARGE, with_contents
from tests.serving.server_process import ServerProcess
from tests.serving.transports import GrpcContents, GrpcRaw


def both_forms() -> pb.ModelInferRequest:
    message = with_contents(bytes_contents=[MARK.encode()])
    message.raw_input_contents.append(GOOD_TAIL)
    return message


def check_nothing_leaked(server: ServerProcess) -> None:
    assert "7731946" not in server.log
    assert "internal_error" not in server.log
    assert "7731946" not in server.get("/metrics").text


@pytest.mark.parametrize("case", REST)
def test_rest_refuses_and_names_the_field(server: ServerProcess, case: str) -> None:
    """A malformed body is answered 400 with the field's path, and nothing of it comes back or is logged."""
    path, sent, field = REST[case]
    content, headers = sent if isinstance(sent, tuple) else (sent, {})
    response = httpx.post(server.url + path, content=content, headers=headers)

    assert response.status_code == 400
    assert response.json()["error"].startswith(field)
    assert "7731946" not in response.text
    check_nothing_leaked(server)


@pytest.mark.parametrize("case", REST_TOO_LARGE)
def test_rest_refuses_what_is_too_large(server: ServerProcess, case: str) -> None:
    """Too large a body or too many notes are answered 413, with the limit."""
    path, content = REST_TOO_LARGE[case]
    response = httpx.post(server.url + path, content=content)

    assert response.status_code == 413
    assert "max_" in response.json()["error"]
    check_nothing_leaked(server)


@pytest.mark.parametrize("case", GRPC)
def test_grpc_refuses_and_names_the_field(server: ServerProcess, case: str) -> None:
    """A malformed message is answered INVALID_ARGUMENT with the field's path, and nothing of it comes back or is logged."""
    message, field = GRPC[case]
    outcome = GrpcContents(server).call(message)

    assert outcome.status == "INVALID_ARGUMENT"
    assert outcome.error.startswith(field)
    assert "7731946" not in outcome.error
    check_nothing_leaked(server)


def test_grpc_refuses_contents_in_both_forms(server: ServerProcess) -> None:
    """Contents beside raw contents are refused, as the protocol says."""
    outcome = GrpcRaw(server).call(both_forms())

    assert outcome.status == "INVALID_ARGUMENT"
    assert outcome.error.startswith("inputs[0].contents:")


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x0a\x02\xff\xfe", MARK.encode()])
def test_grpc_refuses_what_is_not_a_message(server: ServerProcess, data: bytes) -> None:
    """Bytes that are no message of the protocol are the caller's fault, not the server's."""
    with grpc.insecure_channel(server.grpc_target) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(data)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("message:")
    check_nothing_leaked(server)


def test_grpc_refuses_too_large_a_message(server: ServerProcess) -> None:
    """A message over ``max_body_bytes`` is refused before it is parsed."""
    outcome = GrpcContents(server).call(with_contents(bytes_contents=[MARK.encode() * MAX_BODY_BYTES]))

    assert outcome.status == "RESOURCE_EXHAUSTED"
    check_nothing_leaked(server)


@pytest.mark.parametrize("path", ["/nowhere", "/v2/models/7731946", "/v2/models/7731946/ready", "/v1/models/7731946"])
def test_unknown_paths_are_not_repeated(server: ServerProcess, path: str) -> None:
    """Paths of no route or model are answered 404 without repeating them, and are not logged."""
    response = server.get(path + "?mrn=7731946")

    assert response.status_code == 404
    assert "7731946" not in response.json()["error"]
    check_nothing_leaked(server)
