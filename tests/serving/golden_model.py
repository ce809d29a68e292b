"""A model that changes only when features or training do: from a few sentences written here."""

from pathlib import Path

from clinical_ner.documents import Document, Entity
from clinical_ner.features import FeatureSpec
from clinical_ner.model_package import write_model_folder
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, label_document, train_model

DISEASES = ("asthma", "type 2 diabetes", "SLE", "migraine", "heart failure", "anemia")
TREATMENTS = ("salbutamol", "metformin", "prednisone", "sumatriptan", "furosemide", "iron")
FRAMES = (
    "Her {disease} is treated with {treatment} 20 mg.",
    "Started {treatment} for {disease}.",
    "No sign of {disease} today.",
)


def write_golden_model(folder: Path) -> Path:
    tokenizer = Tokenizer()
    sentences = [sentence for document in documents() for sentence in label_document(document, tokenizer)[0]]
    files = train_model(
        sentences,
        name="clinical-ner",
        parameters=CrfParameters(c1=0.0, c2=0.05),
        spec=FeatureSpec(),
        datasets={},
        provenance={},
    )
    write_model_folder(files, folder)
    return folder


def documents() -> list[Document]:
    pairs = [(disease, treatment) for disease in DISEASES for treatment in TREATMENTS]
    return [fill(frame, disease, treatment) for disease, treatment in pairs for frame in FRAMES]


def fill(frame: str, disease: str, treatment: str) -> Document:
    text = frame.format(disease=disease, treatment=treatment)
    spans = [(disease, "DISEASE")] + [(treatment, "TREATMENT")] * ("{treatment}" in frame)
    starts = [(text.index(words), words, label) for words, label in spans]
    return Document(text, text, tuple(sorted(Entity(start, start + len(words), label) for start, words, label in starts)))
