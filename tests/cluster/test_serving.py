"""The server's image as pods of the manifests' own template, behind a Service."""

import sys
import time

import pytest

from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from tests.clinical_ner.conftest import tiny_model  # noqa: F401  # a fixture
from tests.cluster.installation import Installation
from tests.cluster.load import load, ways_to
from tests.cluster.predictor import ServedModel
from tests.serving.transports import GrpcContents, Request, RestJson, Tensor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REPLICAS = 2
FEWEST_CALLS = 200
BY = {"actor": "test", "reason": "test"}


@pytest.fixture(scope="module")
def versions(registry_uri: str, model_files: dict[str, bytes], tiny_model: dict[str, bytes]):  # noqa: F811
    """v1, the model that other tests share, and v2, a much smaller one."""
    registry = Registry(open_storage(registry_uri))
    return [registry.register("clinical-ner", files, **BY) for files in (model_files, tiny_model)]


@pytest.fixture(scope="module")
def served(installation: Installation, versions) -> ServedModel:
    """Two ready pods of v1."""
    model = ServedModel(installation)
    model.roll("v1", versions[0].digest, replicas=REPLICAS)
    return model


def test_server_pods_are_ready_under_restricted(installation: Installation, served: ServedModel) -> None:
    """The namespace enforces "restricted"; every probe of the template was passed, and no container was started twice."""
    labels = installation.kube.get("namespace", installation.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = served.pods()
    assert len(pods) == REPLICAS
    for pod in pods:
        (status,) = pod["status"]["containerStatuses"]
        assert (status["ready"], status["started"], status["restartCount"]) == (True, True, 0)
        (container,) = pod["spec"]["containers"]
        assert container["image"] == installation.images["serve"]
        assert {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} <= container.keys()


def test_server_answers_through_the_service(served: ServedModel, tagger: Tagger, training_documents) -> None:
    """REST and gRPC, at the Service's address, give what the tagger gives."""
    text = training_documents[0].text
    expected = [(entity.start, entity.end, entity.label) for entity in tagger.annotate(text).entities]
    assert expected
    for transport in (RestJson(served), GrpcContents(served)):
        outcome = transport.infer(Request([Tensor("text", [text.encode()])]))
        assert [[(each["start"], each["end"], each["label"]) for each in note] for note in outcome.entities] == [expected]


def test_rolling_update_under_load_fails_no_call(served: ServedModel, versions, capsys: pytest.CaptureFixture[str]) -> None:
    """Every pod is replaced by one of another version while six callers never pause: not one call fails, by REST or gRPC."""
    with load(ways_to(served)) as calls:
        time.sleep(2)
        served.roll("v2", versions[1].digest, replicas=REPLICAS)
        time.sleep(2)
    with capsys.disabled():
        sys.stdout.write(f"\nrolling update under load: {dict(calls.answered)}, failed: {len(calls.failures)}\n")
    assert calls.failures == []
    assert min(calls.versions[version] for version in ("v1", "v2")) > FEWEST_CALLS
    assert {way for way, _ in calls.answered} == {"kept", "new", "grpc"}
    assert {
        pod["metadata"]["annotations"]["internal.serving.kserve.io/storage-initializer-sourceuri"][-2:] for pod in served.pods()
    } == {"v2"}
