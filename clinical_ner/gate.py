"""The quality gate: may this model replace the one that serves?

One word comes out, ``approve`` or ``reject``, with a check a line that says why. Without a champion only the floors are
asked; with one, the challenger must not be worse than it by more than a margin on the same notes (non-inferiority by paired
bootstrap). Too little evidence is a rejection.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError
from clinical_ner.evaluation.bootstrap import f1_difference_interval
from clinical_ner.evaluation.counts import SpanCounts, count_spans
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all, evaluate, spans_of
from clinical_ner.splitting import text_key
from clinical_ner.tagger import Tagger

Verdict = Literal["approve", "reject"]
LATENCY_NOTES = 200


class GateThresholds(BaseModel):
    """What a model must reach. F1 is strict span F1, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_f1: float = Field(default=0.6, ge=0, le=1)
    """Floor for each label."""
    max_f1_drop: float = Field(default=0.02, ge=0, le=1)
    """Non-inferiority margin against the champion."""
    min_test_spans: int = Field(default=100, ge=1)
    """Gold spans of a label below which nothing can be said of it."""
    min_slice_f1: float = Field(default=0.4, ge=0, le=1)
    """Floor for each slice (site, specialty) of at least ``min_slice_spans`` gold spans."""
    min_slice_spans: int = Field(default=50, ge=1)
    max_unalignable_rate: float = Field(default=0.05, ge=0, le=1)
    """Share of gold spans that no token sequence expresses: above it the data or the tokenizer is wrong, not the model."""
    max_model_bytes: int = Field(default=100 * 1024 * 1024, ge=1)
    max_latency_ratio: float = Field(default=1.5, gt=0)
    """Time a note against the champion's, in the same process."""
    latency_decides: bool = False
    """Reject above ``max_latency_ratio`` instead of warning."""

    @classmethod
    def checked(cls, **values: float) -> "GateThresholds":
        """Thresholds from a run's parameters.

        Raises:
            ConfigError: one is out of range; the message names it and its limit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            raise ConfigError(problems) from None


class GateCheck(BaseModel):
    """One question that the gate asked, with its answer in words a person reads."""

    model_config = ConfigDict(frozen=True)

    name: str
    threshold: str
    value: str
    verdict: Literal["pass", "fail", "warn", "skipped"]
    reason: str


class GateReport(BaseModel):
    """The gate's answer. ``comparison`` is what champion and challenger do on the same notes: the canary's expectation."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    checks: tuple[GateCheck, ...]
    champion: str
    comparison: dict[str, dict[str, float]]


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


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    thresholds: GateThresholds,
    *,
    champion_version: str = "",
    contaminated: int = 0,
) -> GateReport:
    """Answer every check; any ``fail`` rejects.

    ``contaminated`` is the number of test documents whose text the champion was trained on.
    """
    checks = [
        *_label_checks(challenger.evaluation, thresholds),
        *_slice_checks(challenger.evaluation, thresholds),
        _data_check(challenger.evaluation, thresholds),
        _size_check(challenger, thresholds),
        *_champion_checks(challenger, champion, thresholds, contaminated),
    ]
    return GateReport(
        verdict="reject" if any(check.verdict == "fail" for check in checks) else "approve",
        checks=tuple(checks),
        champion=champion_version,
        comparison=_compare(challenger, champion) if champion else {},
    )


def _label_checks(evaluation: Evaluation, thresholds: GateThresholds) -> Iterator[GateCheck]:
    for label, score in evaluation.strict.per_label.items():
        enough = score.gold_spans >= thresholds.min_test_spans
        yield GateCheck(
            name=f"evidence for {label}",
            threshold=f">= {thresholds.min_test_spans} gold spans",
            value=str(score.gold_spans),
            verdict="pass" if enough else "fail",
            reason="enough to judge" if enough else "too-little-evidence: add annotated test notes",
        )
        reached = score.f1 >= thresholds.min_f1
        yield GateCheck(
            name=f"F1 of {label}",
            threshold=f">= {thresholds.min_f1:.3f}",
            value=f"{score.f1:.3f}",
            verdict="pass" if reached else "fail",
            reason=f"95 % interval {score.f1_low:.3f} to {score.f1_high:.3f}",
        )


def _slice_checks(evaluation: Evaluation, thresholds: GateThresholds) -> Iterator[GateCheck]:
    for field, slices in evaluation.slices.items():
        for value, part in slices.items():
            judged = part.gold_spans >= thresholds.min_slice_spans
            reached = part.f1 >= thresholds.min_slice_f1
            yield GateCheck(
                name=f"F1 where {field} = {value}",
                threshold=f">= {thresholds.min_slice_f1:.3f}",
                value=f"{part.f1:.3f}",
                verdict=("pass" if reached else "fail") if judged else "skipped",
                reason=f"{part.gold_spans} gold spans" + ("" if judged else f", fewer than {thresholds.min_slice_spans}"),
            )


def _data_check(evaluation: Evaluation, thresholds: GateThresholds) -> GateCheck:
    rate = 1 - evaluation.unalignable.recall_ceiling
    return GateCheck(
        name="unalignable gold spans",
        threshold=f"<= {thresholds.max_unalignable_rate:.1%}",
        value=f"{rate:.1%}",
        verdict="pass" if rate <= thresholds.max_unalignable_rate else "fail",
        reason=f"{evaluation.unalignable.spans} spans; recall cannot exceed {evaluation.unalignable.recall_ceiling:.3f}",
    )


def _size_check(challenger: Candidate, thresholds: GateThresholds) -> GateCheck:
    fits = challenger.model_bytes <= thresholds.max_model_bytes
    return GateCheck(
        name="model size",
        threshold=f"<= {thresholds.max_model_bytes:,} bytes",
        value=f"{challenger.model_bytes:,} bytes",
        verdict="pass" if fits else "fail",
        reason="fits" if fits else "raise c1 or min_freq to get a smaller model",
    )


def _champion_checks(
    challenger: Candidate, champion: Candidate | None, thresholds: GateThresholds, contaminated: int
) -> Iterator[GateCheck]:
    if champion is None:
        yield GateCheck(
            name="non-inferior to the champion",
            threshold=f"> -{thresholds.max_f1_drop:.3f}",
            value="-",
            verdict="skipped",
            reason="no version is live: the first has floors only",
        )
        return
    yield _non_inferiority_check(challenger, champion, thresholds)
    yield GateCheck(
        name="test notes unseen by the champion",
        threshold="0 seen",
        value=str(contaminated),
        verdict="fail" if contaminated else "pass",
        reason="the comparison would favour the champion" if contaminated else "the comparison is fair",
    )
    yield _latency_check(challenger, champion, thresholds)


def _non_inferiority_check(challenger: Candidate, champion: Candidate, thresholds: GateThresholds) -> GateCheck:
    low, high = f1_difference_interval(challenger.counts, champion.counts)
    difference = challenger.evaluation.strict.f1 - champion.evaluation.strict.f1
    holds = low > -thresholds.max_f1_drop
    return GateCheck(
        name="non-inferior to the champion",
        threshold=f"lower end > -{thresholds.max_f1_drop:.3f}",
        value=f"{low:+.3f}",
        verdict="pass" if holds else "fail",
        reason=f"F1 {difference:+.3f} against the champion, 95 % interval {low:+.3f} to {high:+.3f} (paired bootstrap)",
    )


def _latency_check(challenger: Candidate, champion: Candidate, thresholds: GateThresholds) -> GateCheck:
    ratio = challenger.seconds_per_note / champion.seconds_per_note
    within = ratio <= thresholds.max_latency_ratio
    above = "fail" if thresholds.latency_decides else "warn"
    return GateCheck(
        name="time a note against the champion",
        threshold=f"<= {thresholds.max_latency_ratio:.2f}x",
        value=f"{ratio:.2f}x",
        verdict="pass" if within else above,
        reason="measured in the same process",
    )


def _compare(challenger: Candidate, champion: Candidate) -> dict[str, dict[str, float]]:
    rows = {"strict.f1": (champion.evaluation.strict.f1, challenger.evaluation.strict.f1)}
    rows["mean_score"] = (champion.evaluation.mean_score, challenger.evaluation.mean_score)
    old, new = champion.evaluation.entities_per_100_tokens, challenger.evaluation.entities_per_100_tokens
    for label in sorted({*old, *new}):
        rows[f"entities_per_100_tokens.{label}"] = (old.get(label, 0.0), new.get(label, 0.0))
    return {name: _side_by_side(*values) for name, values in rows.items()}


def _side_by_side(champion: float, challenger: float) -> dict[str, float]:
    return {"champion": champion, "challenger": challenger, "ratio": challenger / champion if champion else 0.0}


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
