"""A model's evaluation on a test set: what metrics, model card, gate and registry read."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from clinical_ner.documents import Document, Entity
from clinical_ner.evaluation.bootstrap import f1_interval
from clinical_ner.evaluation.counts import GOLD, PREDICTED, SpanCounts, count_spans, overlap_score, strict_score
from clinical_ner.evaluation.matching import NOTHING, confusion_matrix
from clinical_ner.labels import encode
from clinical_ner.tagger import Annotation, Tagger
from clinical_ner.tokenization import Tokenizer

SLICED_BY = ("site", "specialty")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelScore(_Frozen):
    """Scores of one label, or of all together; ``f1_low`` and ``f1_high`` bound strict F1 at 95 %."""

    precision: float
    recall: float
    f1: float
    f1_low: float | None = None
    f1_high: float | None = None
    gold_spans: int
    predicted_spans: int


class Scores(LabelScore):
    """Micro-averaged over labels, and each label's own."""

    per_label: dict[str, LabelScore]


class Slice(_Frozen):
    """Strict scores of the documents that share one value of a metadata field."""

    documents: int
    gold_spans: int
    f1: float
    f1_low: float
    f1_high: float


class Unalignable(_Frozen):
    """Gold spans that no sequence of token labels can express; they count as missed. ``recall_ceiling`` is what is left."""

    spans: int
    recall_ceiling: float


class Confusion(_Frozen):
    """Rows are gold, columns predicted labels; the last of both stands for no span."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


class Evaluation(_Frozen):
    """All that is known of a model on a test set; no note text."""

    documents: int
    tokens: int
    strict: Scores
    overlap: Scores
    unalignable: Unalignable
    confusion: Confusion
    slices: dict[str, dict[str, Slice]]
    """By metadata field, then value."""
    entities_per_100_tokens: dict[str, float]
    mean_score: float
    out_of_vocabulary_rate: float

    def metrics(self) -> dict[str, float]:
        """The numbers that runs are compared by, under names that say what they are (``strict_f1_DISEASE``)."""
        metrics = {"strict_precision": self.strict.precision, "strict_recall": self.strict.recall}
        metrics |= {"strict_f1": self.strict.f1, "overlap_f1": self.overlap.f1}
        metrics |= {f"strict_f1_{label}": score.f1 for label, score in self.strict.per_label.items()}
        metrics |= {f"overlap_f1_{label}": score.f1 for label, score in self.overlap.per_label.items()}
        return {**metrics, "test_documents": self.documents, "recall_ceiling": self.unalignable.recall_ceiling}


def annotate_all(tagger: Tagger, documents: Sequence[Document]) -> list[Annotation]:
    """The model's annotation of every document, in order."""
    return [tagger.annotate(document.text) for document in documents]


def spans_of(annotations: Sequence[Annotation]) -> list[list[Entity]]:
    """Predicted spans without their scores, one list a document."""
    return [[found.entity for found in annotation.entities] for annotation in annotations]


def evaluate(
    documents: Sequence[Document], annotations: Sequence[Annotation], *, labels: Sequence[str] = (), seed: int = 0
) -> Evaluation:
    """Score ``annotations`` against the gold entities of ``documents``, one for one.

    Scored are the labels that occur in either, and those of ``labels`` (what the model knows) even if they do not. ``seed``
    draws the bootstrap; the same input gives the same numbers.
    """
    gold, predicted = [document.entities for document in documents], spans_of(annotations)
    names = sorted({span.label for spans in [*gold, *predicted] for span in spans}.union(labels))
    counts = count_spans(gold, predicted, names)
    tokens = sum(annotation.token_count for annotation in annotations)
    scores = [found.score for annotation in annotations for found in annotation.entities]
    return Evaluation(
        documents=len(documents),
        tokens=tokens,
        strict=_strict_scores(counts, names, seed),
        overlap=_overlap_scores(counts, names),
        unalignable=_unalignable(documents, int(counts[..., GOLD].sum())),
        confusion=_confusion(gold, predicted, names),
        slices=_slices(documents, counts, seed),
        entities_per_100_tokens=_rates(counts, names, tokens),
        mean_score=float(np.mean(scores)) if scores else 0.0,
        out_of_vocabulary_rate=sum(annotation.unknown_count for annotation in annotations) / tokens if tokens else 0.0,
    )


def _strict_score(counts: SpanCounts, seed: int) -> LabelScore:
    low, high = f1_interval(counts, seed=seed)
    return LabelScore(**strict_score(counts)._asdict(), f1_low=low, f1_high=high, **_sizes(counts))


def _strict_scores(counts: SpanCounts, names: Sequence[str], seed: int) -> Scores:
    per_label = {name: _strict_score(counts[:, [column]], seed) for column, name in enumerate(names)}
    return Scores(**_strict_score(counts, seed).model_dump(), per_label=per_label)


def _overlap_scores(counts: SpanCounts, names: Sequence[str]) -> Scores:
    per_label = {
        name: LabelScore(**overlap_score(counts[:, [column]])._asdict(), **_sizes(counts[:, [column]]))
        for column, name in enumerate(names)
    }
    return Scores(**overlap_score(counts)._asdict(), **_sizes(counts), per_label=per_label)


def _sizes(counts: SpanCounts) -> dict[str, int]:
    return {"gold_spans": int(counts[..., GOLD].sum()), "predicted_spans": int(counts[..., PREDICTED].sum())}


def _unalignable(documents: Sequence[Document], gold_spans: int) -> Unalignable:
    tokenizer = Tokenizer()
    lost = sum(len(encode(tokenizer.sentences(note.text), sorted(set(note.entities))).unalignable) for note in documents)
    return Unalignable(spans=lost, recall_ceiling=1 - lost / gold_spans if gold_spans else 1.0)


def _confusion(gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], names: Sequence[str]) -> Confusion:
    matrix = confusion_matrix(gold, predicted, names)
    return Confusion(labels=(*names, NOTHING), matrix=tuple(tuple(int(cell) for cell in row) for row in matrix))


def _slices(documents: Sequence[Document], counts: SpanCounts, seed: int) -> dict[str, dict[str, Slice]]:
    slices: dict[str, dict[str, Slice]] = {}
    for field in SLICED_BY:
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, document in enumerate(documents):
            if document.metadata.get(field):
                rows[document.metadata[field]].append(row)
        if rows:
            slices[field] = {value: _slice(counts[rows[value]], seed) for value in sorted(rows)}
    return slices


def _slice(counts: SpanCounts, seed: int) -> Slice:
    low, high = f1_interval(counts, seed=seed)
    gold_spans = int(counts[..., GOLD].sum())
    return Slice(documents=len(counts), gold_spans=gold_spans, f1=strict_score(counts).f1, f1_low=low, f1_high=high)


def _rates(counts: SpanCounts, names: Sequence[str], tokens: int) -> dict[str, float]:
    predicted = counts[..., PREDICTED].sum(axis=0)
    return {name: float(100 * count / tokens) if tokens else 0.0 for name, count in zip(names, predicted, strict=True)}
