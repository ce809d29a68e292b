"""What tests of all packages share: one real small model, its notes, a tokenizer, and a real S3 server."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.documents import Document
from clinical_ner.features import FeatureSpec
from clinical_ner.model_package import read_model_folder, write_model_folder
from clinical_ner.tagger import Tagger
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, LabelledSentence, label_document, train_model
from tests.pipelines.training_run import approved  # noqa: F401 (fixture)
from tests.servers.kserve_definitions import cluster, newest, started  # noqa: F401 (fixtures)
from tests.servers.model_rollouts import cluster_api  # noqa: F401 (fixture)
from tests.servers.versitygw import VersityGateway

BUCKET_NUMBERS = count()

# Time is measured in benchmarks/, never in tests; a fixed seed makes a failure in CI one here.
settings.register_profile("project", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test, and no process that one starts, finds a cluster by chance: tests/cluster has read where it is."""
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer()


@pytest.fixture(scope="session")
def training_documents() -> list[Document]:
    """The 200 synthetic notes that the shared model is trained on."""
    return synthesize(200, seed=0)


@pytest.fixture(scope="session")
def unseen_documents() -> list[Document]:
    """100 synthetic notes of other patients: some 400 gold spans of each label, none of them seen in training."""
    return synthesize(100, seed=1)


@pytest.fixture(scope="session")
def labelled_sentences(training_documents: list[Document], tokenizer: Tokenizer) -> list[LabelledSentence]:
    """The training notes as the preprocess stage hands them to training: some 1,600 sentences."""
    return [sentence for document in training_documents for sentence in label_document(document, tokenizer)[0]]


@pytest.fixture(scope="session")
def model_files(labelled_sentences: list[LabelledSentence]) -> dict[str, bytes]:
    """All files of a real model named clinical-ner with the labels DISEASE and TREATMENT; strict F1 near 0.8."""
    return train_model(
        labelled_sentences,
        name="clinical-ner",
        parameters=CrfParameters(max_iterations=60),
        spec=FeatureSpec(),
        datasets={"train": "sha256:" + "0" * 64},
        provenance={"seed": 0, "dev_fraction": 0.15, "test_fraction": 0.15},
    )


@pytest.fixture(scope="session")
def model_folder(model_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a folder; tests only read it."""
    folder = tmp_path_factory.mktemp("model")
    write_model_folder(model_files, folder)
    return folder


@pytest.fixture(scope="session")
def tagger(model_folder: Path) -> Tagger:
    """The same model, loaded."""
    return Tagger.from_files(read_model_folder(model_folder))


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersityGateway]:
    """A real S3 server for all tests that leave it running."""
    gateway = VersityGateway(tmp_path_factory.mktemp("s3"))
    gateway.start()
    yield gateway
    gateway.kill()


@pytest.fixture
def s3_server(running_gateway: VersityGateway, monkeypatch: pytest.MonkeyPatch) -> VersityGateway:
    """The shared S3 server, which the settings name."""
    for name, value in running_gateway.environment.items():
        monkeypatch.setenv(name, value)
    return running_gateway


@pytest.fixture
def s3_uri(s3_server: VersityGateway) -> str:
    """An empty store in a bucket of its own."""
    bucket = f"bucket-{next(BUCKET_NUMBERS)}"
    s3_server.make_bucket(bucket)
    return f"s3://{bucket}/a/registry"


@pytest.fixture(params=["file", "s3"])
def storage_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each backend."""
    return request.getfixturevalue("s3_uri") if request.param == "s3" else (tmp_path / "store").as_uri()
