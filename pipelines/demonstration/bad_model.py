"""A version that should never go live: trained for so few iterations that it finds next to nothing."""

from clinical_ner.datasets import load_dataset
from clinical_ner.features import FeatureSpec
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, label_document, train_model

ITERATIONS = 3
NOTES = 200
REASON = "made bad on purpose, to show how a rollout ends it"


def register_bad_model(registry_uri: str, name: str, like: str) -> str:
    """Register a model of the first notes that version ``like`` was trained on; returns its version, a candidate."""
    storage = open_storage(registry_uri)
    registry = Registry(storage)
    datasets = registry.get(name, like).manifest.datasets
    documents, tokenizer = list(load_dataset(storage, datasets["train"]))[:NOTES], Tokenizer()
    files = train_model(
        [sentence for document in documents for sentence in label_document(document, tokenizer)[0]],
        name=name,
        parameters=CrfParameters(max_iterations=ITERATIONS, entity_bias=0),
        spec=FeatureSpec(),
        datasets=datasets,
        provenance={"purpose": REASON},
    )
    return registry.register(name, files, actor="demo", reason=REASON).version
