"""The routes beside inference, to the letter of the protocol; and v1."""

from typing import Any

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

import clinical_ner
from clinical_ner.tagger import Tagger
from tests.serving.server_process import ServerProcess

INPUTS = [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in ("text", "site", "specialty", "note_id")]
OUTPUTS = [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in ("entities", "record_id")]


def model_metadata(tagger: Tagger) -> dict[str, Any]:
    return {
        "name": "clinical-ner",
        "versions": [tagger.served_version],
        "platform": "crfsuite",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
    }


def test_server_metadata(server: ServerProcess) -> None:
    """The server names itself, its version and the one extension that it has."""
    expected = {"name": "clinical-ner", "version": clinical_ner.__version__, "extensions": ["binary_tensor_data"]}

    assert server.get("/v2").json() == expected


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/", "/v1/models/clinical-ner"])
def test_health_routes(server: ServerProcess, path: str) -> None:
    """A ready server's health routes answer 200."""
    assert server.get(path).status_code == 200


@pytest.mark.parametrize("prefix", ["/v1/models", "/v2/models"])
def test_models_are_listed(server: ServerProcess, prefix: str) -> None:
    """The list of models holds the one."""
    assert server.get(prefix).json() == {"models": ["clinical-ner"]}


def test_model_metadata_describes_the_tensors(server: ServerProcess, tagger: Tagger) -> None:
    """Metadata names every input and output with datatype and shape, with and without the version in the path."""
    expected = model_metadata(tagger)

    assert server.get("/v2/models/clinical-ner").json() == expected
    assert server.get(f"/v2/models/clinical-ner/versions/{tagger.served_version}").json() == expected


def test_model_readiness_by_version(server: ServerProcess, tagger: Tagger) -> None:
    """The served version is ready; another one is not found."""
    path = "/v2/models/clinical-ner/versions/"

    assert server.get(f"{path}{tagger.served_version}/ready").json() == {"name": "clinical-ner", "ready": True}
    assert server.get(f"{path}v99/ready").status_code == 404
    assert server.get(f"{path}v99").status_code == 404


def test_grpc_metadata_is_rests(server: ServerProcess, tagger: Tagger) -> None:
    """gRPC describes server and model as REST does."""
    with grpc.insecure_channel(server.grpc_target) as channel:
        stub = GRPCInferenceServiceStub(channel)
        about = stub.ServerMetadata(pb.ServerMetadataRequest())
        model = stub.ModelMetadata(pb.ModelMetadataRequest(name="clinical-ner", version=tagger.served_version))

    assert [about.name, about.version, list(about.extensions)] == list(server.get("/v2").json().values())
    assert list(model.versions) == [tagger.served_version]
    for tensors, expected in ((model.inputs, INPUTS), (model.outputs, OUTPUTS)):
        found = [{"name": each.name, "datatype": each.datatype, "shape": list(each.shape)} for each in tensors]
        assert found == expected


@pytest.mark.parametrize("method", ["ModelReady", "ModelMetadata"])
def test_grpc_does_not_find_other_models(server: ServerProcess, method: str) -> None:
    """Another model or version is NOT_FOUND."""
    request = getattr(pb, f"{method}Request")
    with grpc.insecure_channel(server.grpc_target) as channel:
        stub = GRPCInferenceServiceStub(channel)
        for message in (request(name="other"), request(name="clinical-ner", version="v99")):
            with pytest.raises(grpc.RpcError) as caught:
                getattr(stub, method)(message)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_v1_predict_answers_texts_and_objects(server: ServerProcess, tagger: Tagger, notes: list[str]) -> None:
    """An instance may be a text or an object with one; each prediction holds a record id and the entities."""
    instances = [notes[0], {"text": notes[1], "site": "north", "note_id": "n1"}, ""]
    reply = httpx.post(f"{server.url}/v1/models/clinical-ner:predict", json={"instances": instances}).json()

    assert reply["model_version"] == tagger.served_version
    found = [[(item["start"], item["end"], item["label"]) for item in note["entities"]] for note in reply["predictions"]]
    expected = [[entity[:3] for entity in tagger.annotate(text).entities] for text in (notes[0], notes[1], "")]
    assert found == expected
    assert len({note["record_id"] for note in reply["predictions"]}) == 3


def test_v1_explain_adds_features(server: ServerProcess, notes: list[str]) -> None:
    """The explain route adds to each entity the features that spoke for it."""
    reply = httpx.post(f"{server.url}/v1/models/clinical-ner:explain", json={"instances": notes[:1]}).json()

    assert reply["explanations"][0]["entities"]
    assert all(entity["explanation"] for entity in reply["explanations"][0]["entities"])


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_v1_does_not_find_other_models(server: ServerProcess, verb: str) -> None:
    """Another model's name is not found over v1 either."""
    assert httpx.post(f"{server.url}/v1/models/other:{verb}", json={"instances": []}).status_code == 404


def test_binary_outputs_are_chosen_one_by_one(server: ServerProcess) -> None:
    """``binary_data`` of an output overrides ``binary_data_output`` of the request."""
    request = {
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["x"]}],
        "parameters": {"binary_data_output": True},
        "outputs": [{"name": "record_id"}, {"name": "entities", "parameters": {"binary_data": False}}],
    }
    response = httpx.post(f"{server.url}/v2/models/clinical-ner/infer", json=request)
    size = int(response.headers["inference-header-content-length"])

    assert response.headers["content-type"] == "application/octet-stream"
    assert b'"data":["[]"]' in response.content[:size]
    assert response.content[size:][:4] == (32).to_bytes(4, "little")
    assert len(response.content) == size + 36
