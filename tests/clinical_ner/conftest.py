"""A real model, small enough to train in milliseconds."""

from datetime import UTC, datetime

import orjson
import pytest

from clinical_ner import model_package
from clinical_ner.documents import Document, Entity
from clinical_ner.features import FeatureSpec
from clinical_ner.gate import (
    assess,
    model_bytes,
)
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, label_document, train_model
from tests.clinical_ner.gate_checks import LABELS


def note(number, disease="asthma", treatment="salbutamol", **metadata):
    """A one-sentence note with a disease and a treatment."""
    text = f"The patient with {disease} was given {treatment}."
    spans = ((text.index(disease), disease, "DISEASE"), (text.index(treatment), treatment, "TREATMENT"))
    entities = tuple(Entity(start, start + len(word), label) for start, word, label in spans)
    return Document(id=f"note-{number}", text=text, entities=entities, metadata=metadata)


@pytest.fixture(scope="session")
def tiny_model():
    """All files of a trained model named clinical-ner, not registered."""
    words = (("asthma", "salbutamol"), ("gout", "colchicine"), ("otitis", "amoxicillin"))
    documents = [note(number, *pair) for number, pair in enumerate(words)]
    tokenizer = Tokenizer()
    sentences = [sentence for document in documents for sentence in label_document(document, tokenizer)[0]]
    files = train_model(
        sentences,
        name="clinical-ner",
        parameters=CrfParameters(max_iterations=10),
        spec=FeatureSpec(),
        datasets={"train": "sha256:" + "0" * 64},
        provenance={"seed": 1},
    )
    return {**files, "release/metrics.json": metrics(0.8), "release/model-card.md": b"# A model\n"}


def metrics(f1):
    """Metrics as evaluations hold them, with one strict F1."""
    scores = {"f1": f1, "gold_spans": 6, "per_label": {"DISEASE": {"f1": f1}, "TREATMENT": {"f1": 1 - f1}}}
    return orjson.dumps({"documents": 3, "strict": scores, "overlap": {"f1": f1 + 0.1}, "confusion": {"matrix": [[1]]}})


@pytest.fixture(scope="session")
def other_model(tiny_model):
    """``other_model(n)``: the model with another word in its lexicon, and so another digest for every n."""

    def build(number, f1=0.8):
        old = model_package.parse_manifest(tiny_model[model_package.MANIFEST])
        payload = {path: tiny_model[path] for path in model_package.PAYLOAD}
        lexicon = [*orjson.loads(payload[model_package.LEXICON]), f"zz{number}"]
        payload[model_package.LEXICON] = orjson.dumps(lexicon)
        fields = old.model_dump(include={"name", "labels", "datasets", "library_versions"})
        files = model_package.build_package(payload, **fields, parameters={**old.parameters, "seed": number})
        return {**files, "release/metrics.json": metrics(f1)}

    return build


@pytest.fixture
def clock():
    """A clock that stands at noon of 2 January 2030."""
    return lambda: datetime(2030, 1, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def assessed(tagger, model_files, unseen_documents):
    """The shared model on 100 unseen notes."""
    return assess(tagger, model_bytes(model_files), unseen_documents, LABELS)


@pytest.fixture(scope="module")
def worse_tagger(labelled_sentences):
    """A model that saw a few sentences and looks at words only."""
    files = train_model(
        labelled_sentences[:100],
        name="clinical-ner",
        parameters=CrfParameters(max_iterations=5),
        spec=FeatureSpec(groups=("word",)),
        datasets={},
        provenance={},
    )
    return Tagger.from_files(files)


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path / "registry"))


@pytest.fixture
def registry(storage, clock):
    return Registry(storage, clock)
