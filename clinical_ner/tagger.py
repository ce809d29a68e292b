"""The trained tagger: a note in, its entities with scores out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from pathlib import Path
from typing import NamedTuple

import orjson
import pycrfsuite

from clinical_ner import labels, model_package
from clinical_ner.documents import ScoredEntity, Token
from clinical_ner.errors import ModelFormatError
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.labels import TokenSpan
from clinical_ner.model_package import Manifest
from clinical_ner.postprocess import complete
from clinical_ner.tokenization import Tokenizer


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a model says of one note; ``entities`` are sorted and do not overlap."""

    entities: tuple[ScoredEntity, ...]
    sentence_count: int
    token_count: int
    unknown_count: int
    """Tokens whose lower-cased word did not occur in the training notes."""
    unknown_words: tuple[str, ...] = field(default=(), repr=False)
    """These words, lower-cased, each once, in the order of the text. They are the note's own: protected health information."""


class FeatureWeight(NamedTuple):
    """A feature active in an entity, and the weight (log-odds) it adds to the entity's own labels."""

    feature: str
    weight: float


class Tagger:
    """A verified model, ready to tag. Not thread-safe: one instance a thread."""

    def __init__(
        self, manifest: Manifest, crf: bytes, lexicon: frozenset[str], spec: FeatureSpec, gazetteer: Gazetteer = EMPTY
    ) -> None:
        self.manifest = manifest
        self._lexicon = lexicon
        self._spec = spec
        self._gazetteer = gazetteer
        self._tokenizer = Tokenizer()
        self._crf_bytes = crf  # CRFsuite reads from this memory as long as it tags, and does not hold it itself
        self._crf = pycrfsuite.Tagger()
        self._crf.open_inmemory(self._crf_bytes)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, expected_digest: str | None = None) -> "Tagger":
        """Load a model from its files, all verified before any is parsed.

        Raises:
            ModelFormatError: a file is missing, damaged, of a newer format, or not of the model with ``expected_digest``.
        """
        manifest = model_package.verify(files, expected_digest=expected_digest)
        if files[model_package.LABELS] != orjson.dumps(manifest.labels):
            raise ModelFormatError(f"{model_package.LABELS}: not the labels of {model_package.MANIFEST}")
        try:
            lexicon = frozenset(orjson.loads(files[model_package.LEXICON]))
            spec = FeatureSpec.model_validate_json(files[model_package.FEATURES])
            gazetteer = Gazetteer.from_json(files[model_package.GAZETTEER])
            return cls(manifest, files[model_package.CRF], lexicon, spec, gazetteer)
        except (ValueError, TypeError) as error:
            names = f"{model_package.CRF}, {model_package.FEATURES}, {model_package.LEXICON} or {model_package.GAZETTEER}"
            raise ModelFormatError(f"{names}: not what this release reads") from error

    @classmethod
    def from_folder(cls, folder: Path, *, expected_digest: str | None = None) -> "Tagger":
        """Load a model from a folder; raises as :meth:`from_files`."""
        return cls.from_files(model_package.read_model_folder(folder), expected_digest=expected_digest)

    @property
    def digest(self) -> str:
        return self.manifest.model_digest

    @property
    def served_version(self) -> str:
        return self.manifest.served_version

    def features(self, text: str) -> list[list[list[str]]]:
        """Features of every token of every sentence of ``text``, as the CRF sees them."""
        return [self._extract(sentence) for sentence in self._tokenizer.sentences(text)]

    def annotate(self, text: str) -> Annotation:
        """Find the entities of a note; a text without tokens has none."""
        sentences = self._tokenizer.sentences(text)
        entities = [entity for sentence in sentences for entity in self._tag(sentence)]
        if self._spec.complete:
            entities = complete(text, sentences, entities)
        words = [token.text.lower() for sentence in sentences for token in sentence]
        unknown = [word for word in words if word not in self._lexicon]
        return Annotation(
            entities=tuple(entities),
            sentence_count=len(sentences),
            token_count=len(words),
            unknown_count=len(unknown),
            unknown_words=tuple(dict.fromkeys(unknown)),
        )

    def explain(self, text: str, entities: Sequence[ScoredEntity], *, top: int = 5) -> list[list[FeatureWeight]]:
        """For each of ``entities``, as :meth:`annotate` found them, the ``top`` features that speak strongest for it.

        An entity that was added because it follows from another has none.
        """
        explanations: dict[tuple[int, int], list[FeatureWeight]] = {}
        for sentence in self._tokenizer.sentences(text):
            features = self._extract(sentence)
            self._crf.set(features)
            tags = self._crf.tag()
            for span in labels.decode(tags):
                entity = span.entity(sentence)
                weights = self._span_weights(features, tags, span)
                explanations[entity.start, entity.end] = nlargest(top, weights, key=lambda item: item.weight)
        return [explanations.get((entity.start, entity.end), []) for entity in entities]

    def _extract(self, sentence: Sequence[Token]) -> list[list[str]]:
        return extract([token.text for token in sentence], self._spec, self._gazetteer)

    def _tag(self, sentence: Sequence[Token]) -> list[ScoredEntity]:
        self._crf.set(self._extract(sentence))
        tags = self._crf.tag()
        return [self._score(sentence, tags, span) for span in labels.decode(tags)]

    def _score(self, sentence: Sequence[Token], tags: Sequence[str], span: TokenSpan) -> ScoredEntity:
        score = min(self._crf.marginal(tags[position], position) for position in range(span.first, span.last))
        return ScoredEntity(*span.entity(sentence), score=score)

    def _span_weights(self, features: Sequence[Sequence[str]], tags: Sequence[str], span: TokenSpan) -> list[FeatureWeight]:
        weights: defaultdict[str, float] = defaultdict(float)
        for position in range(span.first, span.last):
            for feature in features[position]:
                weights[feature] += self._state_weights.get((feature, tags[position]), 0.0)
        return [FeatureWeight(feature, weight) for feature, weight in weights.items() if weight > 0]

    @cached_property
    def _state_weights(self) -> Mapping[tuple[str, str], float]:
        return dict(self._crf.info().state_features)
