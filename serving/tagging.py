"""What the server needs of a model; :class:`clinical_ner.tagger.Tagger` is one.

It is a protocol so that the server opens its ports before the libraries that a model needs are imported.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clinical_ner.documents import ScoredEntity
from clinical_ner.model_package import Manifest


class NoteAnnotation(Protocol):
    """What a model says of one note; see :class:`clinical_ner.tagger.Annotation`."""

    @property
    def entities(self) -> tuple[ScoredEntity, ...]: ...
    @property
    def sentence_count(self) -> int: ...
    @property
    def token_count(self) -> int: ...
    @property
    def unknown_count(self) -> int: ...
    @property
    def unknown_words(self) -> tuple[str, ...]: ...


class Weight(Protocol):
    """A feature and what it adds to an entity's log-odds."""

    @property
    def feature(self) -> str: ...
    @property
    def weight(self) -> float: ...


class NoteTagger(Protocol):
    """A verified model. It is called by one thread at a time."""

    @property
    def manifest(self) -> Manifest: ...
    def annotate(self, text: str) -> NoteAnnotation: ...
    def explain(self, text: str, entities: Sequence[ScoredEntity]) -> Sequence[Sequence[Weight]]: ...


def load_tagger(model_dir: Path, expected_digest: str) -> NoteTagger:
    """Verify and load the model in ``model_dir``; an empty ``expected_digest`` trusts the manifest's own.

    Raises:
        ModelFormatError: a file is missing or damaged, or the model is not the expected one.
    """
    from clinical_ner.tagger import Tagger

    return Tagger.from_folder(model_dir, expected_digest=expected_digest or None)
