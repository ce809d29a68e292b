"""Models as the gate looks at them: run over the same test set, in the same process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical_ner.documents import Document
from clinical_ner.evaluation.counts import SpanCounts, count_spans
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all, evaluate, spans_of
from clinical_ner.splitting import text_key
from clinical_ner.tagger import Tagger

LATENCY_NOTES = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model on the test set: its predictions counted by label, its evaluation, its size and its speed."""

    counts: SpanCounts
    evaluation: Evaluation
    model_bytes: int
    seconds_per_note: float


def assess(tagger: Tagger, model_bytes: int, documents: Sequence[Document], labels: Sequence[str]) -> Candidate:
    """Run a model over the test set.

    Every label that the model knows is scored, found or not; time is the median of three passes over the first notes.
    """
    annotations = annotate_all(tagger, documents)
    return Candidate(
        counts=count_spans([document.entities for document in documents], spans_of(annotations), labels),
        evaluation=evaluate(documents, annotations, labels=tagger.manifest.labels),
        model_bytes=model_bytes,
        seconds_per_note=_seconds_per_note(tagger, documents[:LATENCY_NOTES]),
    )


def _seconds_per_note(tagger: Tagger, documents: Sequence[Document]) -> float:
    passes = []
    for _ in range(3):
        started = time.perf_counter()
        annotate_all(tagger, documents)
        passes.append((time.perf_counter() - started) / max(len(documents), 1))
    return sorted(passes)[1]


def count_contaminated(test: Sequence[Document], trained_on: Sequence[Document]) -> int:
    """Number of test documents whose text is among those a model was trained on (white space aside)."""
    known = {text_key(document.text) for document in trained_on}
    return sum(text_key(document.text) in known for document in test)


def labels_of(documents: Sequence[Document], *taggers: Tagger) -> list[str]:
    """All labels that occur in the gold entities or that one of the models knows."""
    names = {entity.label for document in documents for entity in document.entities}
    return sorted(names.union(*(tagger.manifest.labels for tagger in taggers)))


def model_bytes(files: Mapping[str, bytes]) -> int:
    """Size of a model's files in bytes."""
    return sum(map(len, files.values()))
