"""Training of the CRF with CRFsuite, and the package that comes out."""

import os
import platform
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pycrfsuite
from pydantic import BaseModel, ConfigDict, Field

import clinical_ner
from clinical_ner import labels, model_package
from clinical_ner.crf_file import favour_entities
from clinical_ner.documents import Document, Entity, Token
from clinical_ner.errors import TooLittleData
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.tokenization import Tokenizer

_LIBRARIES = ("python-crfsuite", "spacy", "numpy")


class CrfParameters(BaseModel):
    """L-BFGS with elastic net; ``c1`` and ``c2`` weigh the L1 and L2 penalties, ``min_freq`` cuts rare features.

    ``entity_bias`` makes the trained CRF begin entities more readily (see :mod:`clinical_ner.crf_file`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    c1: float = Field(default=0.1, ge=0)
    c2: float = Field(default=0.1, ge=0)
    min_freq: int = Field(default=0, ge=0)
    max_iterations: int = Field(default=150, ge=1)
    entity_bias: float = Field(default=0.5, ge=0, le=5)

    def crfsuite_options(self) -> dict[str, float | int | bool]:
        return {
            "c1": self.c1,
            "c2": self.c2,
            "feature.minfreq": self.min_freq,
            "feature.possible_transitions": True,
            "max_iterations": self.max_iterations,
        }


class LabelledSentence(BaseModel):
    """A sentence of a document with a BIO tag for each token; what the preprocess stage hands to training."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    tokens: tuple[Token, ...]
    tags: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [token.text for token in self.tokens]


def label_document(document: Document, tokenizer: Tokenizer) -> tuple[list[LabelledSentence], list[Entity]]:
    """A document's labelled sentences, and the entities that no tags express."""
    sentences = tokenizer.sentences(document.text)
    encoding = labels.encode(sentences, document.entities)
    labelled = [
        LabelledSentence(document_id=document.id, tokens=tuple(tokens), tags=tuple(tags))
        for tokens, tags in zip(sentences, encoding.tags, strict=True)
    ]
    return labelled, encoding.unalignable


class CrfTrainer:
    """CRFsuite with the training data appended once; it trains again with other parameters without reading them anew."""

    def __init__(self, sentences: Iterable[LabelledSentence], spec: FeatureSpec, gazetteer: Gazetteer = EMPTY) -> None:
        self._trainer = pycrfsuite.Trainer("lbfgs", verbose=False)
        self._spec = spec
        self._gazetteer = gazetteer
        self.lexicon: set[str] = set()
        self.labels: set[str] = set()
        for sentence in sentences:
            self._append(sentence)
        if not self.labels:
            raise TooLittleData("the training notes hold no entity: nothing to learn (check label_map and the corpus)")

    def _append(self, sentence: LabelledSentence) -> None:
        words = sentence.words
        self._trainer.append(extract(words, self._spec, self._gazetteer), labels.to_bioes(sentence.tags))
        self.lexicon.update(word.lower() for word in words)
        self.labels.update(tag[2:] for tag in sentence.tags if tag != labels.OUTSIDE)

    def train(self, parameters: CrfParameters) -> bytes:
        """Train; the same data and parameters give the same bytes. Returns CRFsuite's native file."""
        self._trainer.set_params(parameters.crfsuite_options())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / model_package.CRF
            self._trainer.train(os.fspath(path))
            return favour_entities(path.read_bytes(), parameters.entity_bias)

    def payload(self, parameters: CrfParameters) -> dict[str, bytes]:
        """Train, and return the payload files of a model (see :mod:`clinical_ner.model_package`)."""
        return {
            model_package.CRF: self.train(parameters),
            model_package.LABELS: orjson.dumps(sorted(self.labels)),
            model_package.LEXICON: orjson.dumps(sorted(self.lexicon)),
            model_package.FEATURES: orjson.dumps(self._spec.model_dump(), option=orjson.OPT_SORT_KEYS),
            model_package.GAZETTEER: self._gazetteer.to_json(),
        }


def train_model(
    sentences: Sequence[LabelledSentence],
    *,
    name: str,
    parameters: CrfParameters,
    spec: FeatureSpec,
    datasets: Mapping[str, str],
    provenance: Mapping[str, Any],
    gazetteer: Gazetteer = EMPTY,
) -> dict[str, bytes]:
    """Train a CRF and package it.

    ``datasets`` are digests by role and ``provenance`` whatever else decided the outcome (seed, split, data parameters); both
    go into the manifest, neither into the digest.

    Raises:
        TooLittleData: there is no entity to learn from.
    """
    trainer = CrfTrainer(sentences, spec, gazetteer)
    return model_package.build_package(
        trainer.payload(parameters),
        name=name,
        labels=tuple(sorted(trainer.labels)),
        parameters={
            **parameters.model_dump(),
            "feature_groups": ",".join(spec.groups),
            "window": spec.window,
            "complete": spec.complete,
            **provenance,
        },
        datasets=dict(datasets),
        library_versions=library_versions(),
    )


def library_versions() -> dict[str, str]:
    """Versions of all that a model's bytes depend on."""
    versions = {name: version(name) for name in _LIBRARIES}
    return {"clinical-ner": clinical_ner.__version__, "python": platform.python_version(), **versions}
