"""Small notes with known errors, and a marked patient whose name no report but an unmasked error browser may show."""

import pytest

from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.tagger import Annotation
from clinical_ner.tokenization import Tokenizer

PATIENT = "Zebulon Quackenbush"
TOKENIZER = Tokenizer()


def note(identifier: str, text: str, *entities: tuple[str, str], **metadata: str) -> Document:
    """A document whose entities are given as (string, label), each at the string's first place."""
    spans = [Entity(text.index(string), text.index(string) + len(string), label) for string, label in entities]
    return Document(identifier, text, tuple(sorted(spans)), metadata)


def annotation(document: Document, *entities: tuple[str, str, float]) -> Annotation:
    """What a model says: entities as (string, label, score)."""
    places = [(document.text.index(string), string, label, score) for string, label, score in entities]
    sentences = TOKENIZER.sentences(document.text)
    return Annotation(
        entities=tuple(
            ScoredEntity(start, start + len(string), label, score) for start, string, label, score in sorted(places)
        ),
        sentence_count=len(sentences),
        token_count=sum(map(len, sentences)),
        unknown_count=1,
    )


@pytest.fixture
def documents() -> list[Document]:
    return [
        note(
            "one",
            f"{PATIENT} has severe asthma and takes salbutamol.\nNo gout.",
            ("severe asthma", "DISEASE"),
            ("salbutamol", "TREATMENT"),
            ("gout", "DISEASE"),
            site="north",
            specialty="pulmonology",
            group_id="p1",
        ),
        note("two", "Aspirin for stroke.", ("Aspirin", "TREATMENT"), ("stroke", "DISEASE"), site="south", group_id="p2"),
        note("three", "Seen for a check, well.", site="south", group_id="p3"),
    ]


@pytest.fixture
def annotations(documents) -> list[Annotation]:
    """Of note one: a wrong boundary, a wrong label, one missed; note two is right; in note three one is spurious."""
    one, two, three = documents
    return [
        annotation(one, ("asthma", "DISEASE", 0.8), ("salbutamol", "DISEASE", 0.6)),
        annotation(two, ("Aspirin", "TREATMENT", 0.99), ("stroke", "DISEASE", 0.97)),
        annotation(three, ("check", "TREATMENT", 0.4)),
    ]
