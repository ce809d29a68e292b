"""Models as the gate looks at them: run over the same notes, in the same process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical_ner.documents import Document
from clinical_ner.evaluation.bootstrap import f1_difference_interval
from clinical_ner.evaluation.counts import GOLD, SpanCounts, count_spans, strict_score
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all, evaluate, spans_of
from clinical_ner.splitting import text_key
from clinical_ner.tagger import Tagger

LATENCY_NOTES = 200


@dataclass(frozen=True, slots=True)
class Performance:
    """A model on some notes: its predictions counted by label, and its evaluation."""

    counts: SpanCounts
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Candidate(Performance):
    """A model on the test set, with its size and its speed."""

    model_bytes: int
    seconds_per_note: float


@dataclass(frozen=True, slots=True)
class ReviewedNotes:
    """Challenger and champion on the reviewed test notes; ``seen`` are those whose text either of them was trained on."""

    challenger: Performance
    champion: Performance
    seen: int


@dataclass(frozen=True, slots=True)
class F1Difference:
    """Strict F1 of two models on the same notes; ``low`` and ``high`` bound challenger less champion at 95 %."""

    champion: float
    challenger: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    def __str__(self) -> str:
        """In words, as a check's reason."""
        interval = f"95 % interval {self.low:+.3f} to {self.high:+.3f} (paired bootstrap)"
        return f"F1 {self.difference:+.3f} against the champion, {interval}"


def compare_f1(challenger: Performance, champion: Performance) -> F1Difference:
    """By paired bootstrap over notes; both must have been counted on the same notes under the same labels."""
    low, high = f1_difference_interval(challenger.counts, champion.counts)
    return F1Difference(strict_score(champion.counts).f1, strict_score(challenger.counts).f1, low, high)


def perform(tagger: Tagger, documents: Sequence[Document], labels: Sequence[str]) -> Performance:
    """Run a model over notes. Every label that the model knows is scored, found or not."""
    annotations = annotate_all(tagger, documents)
    return Performance(
        counts=count_spans([document.entities for document in documents], spans_of(annotations), labels),
        evaluation=evaluate(documents, annotations, labels=tagger.manifest.labels),
    )


def assess(tagger: Tagger, model_bytes: int, documents: Sequence[Document], labels: Sequence[str]) -> Candidate:
    """Run a model over the test set; time is the median of three passes over the first notes."""
    performance = perform(tagger, documents, labels)
    return Candidate(
        counts=performance.counts,
        evaluation=performance.evaluation,
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


def gold_spans(performance: Performance) -> int:
    """Gold spans of all labels in the notes."""
    return int(performance.counts[..., GOLD].sum())


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
