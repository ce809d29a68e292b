"""The peer of the extraction benchmarks: sklearn-crfsuite as its own tutorial uses it."""

from collections.abc import Sequence
from typing import Any

import sklearn_crfsuite

from clinical_ner import labels
from clinical_ner.documents import Document, Entity, Token
from clinical_ner.evaluation.counts import count_spans, strict_score
from clinical_ner.tokenization import Tokenizer


def tutorial_features(words: Sequence[str], position: int) -> dict[str, Any]:
    """The features of sklearn-crfsuite's tutorial (CoNLL 2002), without its part-of-speech tags."""
    word = words[position]
    features: dict[str, Any] = {"bias": 1.0, "word.lower()": word.lower(), "word[-3:]": word[-3:], "word[-2:]": word[-2:]}
    features |= {"word.isupper()": word.isupper(), "word.istitle()": word.istitle(), "word.isdigit()": word.isdigit()}
    for offset, edge in ((-1, "BOS"), (1, "EOS")):
        if 0 <= position + offset < len(words):
            other = words[position + offset]
            features |= {
                f"{offset}:lower": other.lower(),
                f"{offset}:title": other.istitle(),
                f"{offset}:upper": other.isupper(),
            }
        else:
            features[edge] = True
    return features


def tutorial_f1(train: Sequence[Document], test: Sequence[Document]) -> float:
    """Strict span F1 of sklearn-crfsuite with its tutorial's features and settings."""
    names = sorted({entity.label for document in test for entity in document.entities})
    predicted = tutorial_predictions(train, test)
    return strict_score(count_spans([document.entities for document in test], predicted, names)).f1


def tutorial_predictions(train: Sequence[Document], test: Sequence[Document]) -> list[list[Entity]]:
    """What it finds in each document of ``test`` when trained on ``train``."""
    tokenizer = Tokenizer()
    rows, tags = [], []
    for document in train:
        sentences = tokenizer.sentences(document.text)
        rows += [_rows(sentence) for sentence in sentences]
        tags += labels.encode(sentences, document.entities).tags
    crf = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=100, all_possible_transitions=True)
    crf.fit(rows, tags)
    return [_predict(crf, tokenizer.sentences(document.text)) for document in test]


def _predict(crf: sklearn_crfsuite.CRF, sentences: Sequence[Sequence[Token]]) -> list[Entity]:
    tags = crf.predict([_rows(sentence) for sentence in sentences])
    return [span.entity(sentence) for sentence, row in zip(sentences, tags, strict=True) for span in labels.decode(list(row))]


def _rows(sentence: Sequence[Token]) -> list[dict[str, Any]]:
    words = [token.text for token in sentence]
    return [tutorial_features(words, position) for position in range(len(words))]
