"""The questions that the gate asks, each with its threshold, value, verdict and reason."""

from collections.abc import Iterator

from clinical_ner.evaluation.evaluation import Evaluation
from clinical_ner.gate.candidates import Candidate, compare_f1
from clinical_ner.gate.report import GateCheck
from clinical_ner.gate.thresholds import GateThresholds

LATENCY = "time a note against the champion"
"""The only check whose value differs from run to run."""


def label_checks(evaluation: Evaluation, thresholds: GateThresholds) -> Iterator[GateCheck]:
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


def slice_checks(evaluation: Evaluation, thresholds: GateThresholds) -> Iterator[GateCheck]:
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


def data_check(evaluation: Evaluation, thresholds: GateThresholds) -> GateCheck:
    rate = 1 - evaluation.unalignable.recall_ceiling
    return GateCheck(
        name="unalignable gold spans",
        threshold=f"<= {thresholds.max_unalignable_rate:.1%}",
        value=f"{rate:.1%}",
        verdict="pass" if rate <= thresholds.max_unalignable_rate else "fail",
        reason=f"{evaluation.unalignable.spans} spans; recall cannot exceed {evaluation.unalignable.recall_ceiling:.3f}",
    )


def size_check(challenger: Candidate, thresholds: GateThresholds) -> GateCheck:
    fits = challenger.model_bytes <= thresholds.max_model_bytes
    return GateCheck(
        name="model size",
        threshold=f"<= {thresholds.max_model_bytes:,} bytes",
        value=f"{challenger.model_bytes:,} bytes",
        verdict="pass" if fits else "fail",
        reason="fits" if fits else "raise c1 or min_freq to get a smaller model",
    )


def champion_checks(
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
    found = compare_f1(challenger, champion)
    return GateCheck(
        name="non-inferior to the champion",
        threshold=f"lower end > -{thresholds.max_f1_drop:.3f}",
        value=f"{found.low:+.3f}",
        verdict="pass" if found.low > -thresholds.max_f1_drop else "fail",
        reason=str(found),
    )


def _latency_check(challenger: Candidate, champion: Candidate, thresholds: GateThresholds) -> GateCheck:
    ratio = challenger.seconds_per_note / champion.seconds_per_note
    within = ratio <= thresholds.max_latency_ratio
    above = "fail" if thresholds.latency_decides else "warn"
    return GateCheck(
        name=LATENCY,
        threshold=f"<= {thresholds.max_latency_ratio:.2f}x",
        value=f"{ratio:.2f}x",
        verdict="pass" if within else above,
        reason="measured in the same process",
    )
