import dataclasses

import pytest

from clinical_ner.documents import Document, Entity
from clinical_ner.errors import ConfigError
from clinical_ner.gate import (
    GateReport,
    GateThresholds,
    assess,
    count_contaminated,
    judge,
    labels_of,
    model_bytes,
)
from clinical_ner.gate.candidates import _seconds_per_note
from tests.clinical_ner.gate_checks import LABELS, D, T, checks_of, failed

LENIENT = GateThresholds(min_f1=0, min_slice_f1=0, min_test_spans=1, min_slice_spans=1)


def changed(candidate, **changes):
    """The candidate with other fields of its evaluation, or of its own."""
    own = {name: changes.pop(name) for name in ("counts", "model_bytes", "seconds_per_note") if name in changes}
    return dataclasses.replace(candidate, evaluation=candidate.evaluation.model_copy(update=changes), **own)


def test_clearly_worse_model_is_rejected_on_10_notes(tagger, worse_tagger, unseen_documents):
    """Ten notes are enough to see a large difference: non-inferiority fails, not only the floors."""
    notes = unseen_documents[:10]
    champion, challenger = (assess(model, 1, notes, LABELS) for model in (tagger, worse_tagger))
    report = judge(challenger, champion, LENIENT, champion_version="v1")
    assert report.verdict == "reject"
    assert failed(report) == {"non-inferior to the champion"}
    assert judge(champion, challenger, LENIENT).verdict == "approve"


def test_identical_model_is_approved_with_the_default_thresholds(assessed):
    """On a real test set a model is not inferior to itself, and every check says so."""
    report = judge(assessed, assessed, GateThresholds(), champion_version="v7")
    assert (report.verdict, failed(report), report.champion) == ("approve", set(), "v7")
    assert checks_of(report)["non-inferior to the champion"].value == "+0.000"
    assert {row["ratio"] for row in report.comparison.values()} == {1.0}


def test_first_version_has_floors_only(assessed):
    """Without a champion nothing is compared, and the report says why."""
    report = judge(assessed, None, GateThresholds())
    checks = checks_of(report)
    assert report.verdict == "approve"
    assert checks["non-inferior to the champion"].verdict == "skipped"
    assert not {"test notes unseen by the champion", "time a note against the champion"} & set(checks)
    assert {f"F1 of {label}" for label in LABELS} <= set(checks)
    assert (report.champion, report.comparison) == ("", {})


def test_label_below_its_floor_is_rejected(assessed):
    """Each label has the floor for itself, however good the other is; exactly at the floor passes."""
    scores = assessed.evaluation.strict.per_label
    low, high = sorted(LABELS, key=lambda label: scores[label].f1)
    between = (scores[low].f1 + scores[high].f1) / 2
    assert failed(judge(assessed, None, LENIENT.model_copy(update={"min_f1": between}))) == {f"F1 of {low}"}
    assert not failed(judge(assessed, None, LENIENT.model_copy(update={"min_f1": scores[low].f1})))


def test_too_little_evidence_is_rejected(tagger, unseen_documents):
    """Ten notes hold fewer than 100 gold spans of a label: nothing can be said, which is a rejection."""
    report = judge(assess(tagger, 1, unseen_documents[:10], LABELS), None, GateThresholds(min_f1=0))
    assert {f"evidence for {label}" for label in LABELS} <= failed(report)
    assert "too-little-evidence" in checks_of(report)[f"evidence for {D}"].reason
    assert int(checks_of(report)[f"evidence for {D}"].value) < 100


def test_evidence_is_enough_at_its_limit(assessed):
    """As many gold spans as asked are enough; one more asked is too few."""
    spans = min(score.gold_spans for score in assessed.evaluation.strict.per_label.values())
    assert not failed(judge(assessed, None, LENIENT.model_copy(update={"min_test_spans": spans})))
    assert failed(judge(assessed, None, LENIENT.model_copy(update={"min_test_spans": spans + 1})))


def test_label_that_the_test_set_lacks_is_no_evidence(tagger, unseen_documents):
    """A model that knows treatments is not approved on notes that hold none, nor on no notes at all."""
    text = "No complaint."
    for notes in ([Document("1", text)] * 3, []):
        report = judge(assess(tagger, 1, notes, LABELS), None, GateThresholds())
        assert report.verdict == "reject"
        assert {f"evidence for {label}" for label in LABELS} <= failed(report)


def test_margin_decides_how_much_worse_is_too_much(assessed, worse_tagger, unseen_documents):
    """The lower end of the interval must lie above minus the margin; the reason shows the interval."""
    worse = assess(worse_tagger, 1, unseen_documents, LABELS)
    check = checks_of(judge(worse, assessed, LENIENT))["non-inferior to the champion"]
    assert check.verdict == "fail"
    low, difference = float(check.value), worse.evaluation.strict.f1 - assessed.evaluation.strict.f1
    assert low < difference < -0.05
    for margin, verdict in ((-low + 0.01, "approve"), (-low - 0.01, "reject"), (-difference, "reject")):
        assert judge(worse, assessed, LENIENT.model_copy(update={"max_f1_drop": margin})).verdict == verdict
    assert f"{difference:+.3f} against the champion" in check.reason
    assert judge(assessed, assessed, LENIENT.model_copy(update={"max_f1_drop": 0})).verdict == "reject"


def test_contaminated_test_set_is_rejected(assessed):
    """One test note that the champion was trained on makes the comparison unfair."""
    report = judge(assessed, assessed, GateThresholds(), contaminated=1)
    assert failed(report) == {"test notes unseen by the champion"}
    assert checks_of(report)["test notes unseen by the champion"].value == "1"


def test_contamination_counts_test_notes_whose_text_was_trained_on():
    """White space does not hide a note, and the order of sets does not matter."""
    test = [Document("1", "gout and  asthma"), Document("2", "gout"), Document("3", "gout and asthma\n")]
    assert count_contaminated(test, [Document("9", "gout and asthma"), Document("8", "angina")]) == 2
    assert count_contaminated(test, []) == count_contaminated([], test) == 0


def test_latency_warns_unless_told_to_decide(assessed):
    """A slower model is approved with a warning; it is rejected where the user wants that."""
    slow, name = changed(assessed, seconds_per_note=assessed.seconds_per_note * 1.6), "time a note against the champion"
    report = judge(slow, assessed, GateThresholds())
    assert (report.verdict, checks_of(report)[name].verdict, checks_of(report)[name].value) == ("approve", "warn", "1.60x")
    assert failed(judge(slow, assessed, GateThresholds(latency_decides=True))) == {name}
    assert checks_of(judge(slow, assessed, GateThresholds(max_latency_ratio=1.7)))[name].verdict == "pass"
    assert checks_of(judge(assessed, slow, GateThresholds(latency_decides=True)))[name].verdict == "pass"


def test_time_is_the_middle_of_three_passes_a_note():
    """One disturbed pass does not decide, and the number of notes does not."""

    class SlowOnce:
        calls = 0

        def annotate(self, text):
            import time

            time.sleep(0.2 if self.calls == 0 else 0.005)
            self.calls += 1

    assert 0.005 <= _seconds_per_note(SlowOnce(), [Document("1", "x")] * 4) < 0.04


def test_slices_below_the_minimum_are_skipped(assessed):
    """A slice with few gold spans is shown and not judged; one with enough fails under its floor."""
    slices = [part for by_value in assessed.evaluation.slices.values() for part in by_value.values()]
    sizes = sorted(part.gold_spans for part in slices)
    limit = sizes[len(sizes) // 2]
    report = judge(assessed, None, LENIENT.model_copy(update={"min_slice_f1": 1.0, "min_slice_spans": limit}))
    verdicts = {check.name: check.verdict for check in report.checks if check.name.startswith("F1 where")}
    assert len(verdicts) == len(slices)
    for field, by_value in assessed.evaluation.slices.items():
        for value, part in by_value.items():
            assert verdicts[f"F1 where {field} = {value}"] == ("fail" if part.gold_spans >= limit else "skipped")
    assert set(verdicts.values()) == {"fail", "skipped"}


def test_slice_at_its_floor_passes(assessed):
    """The floor itself is reached."""
    worst = min(part.f1 for by_value in assessed.evaluation.slices.values() for part in by_value.values())
    assert judge(assessed, None, LENIENT.model_copy(update={"min_slice_f1": worst})).verdict == "approve"


def test_model_size_is_limited(assessed):
    """Bytes are compared with the limit, which itself is allowed."""
    limit = GateThresholds(max_model_bytes=assessed.model_bytes)
    assert judge(assessed, None, limit).verdict == "approve"
    assert failed(judge(changed(assessed, model_bytes=assessed.model_bytes + 1), None, limit)) == {"model size"}
    assert model_bytes({"a": b"12", "b": b"345"}) == 5


def test_unalignable_gold_spans_are_limited(tagger):
    """More than one in twenty gold spans that no tokens express: the data is wrong, and the model is not released on it."""
    text = "gout and asthma"
    aligned, within = Entity(9, 15, D), Entity(1, 4, D)
    notes = [Document(str(number), text, (within, aligned) if number < 4 else (aligned,)) for number in range(40)]
    report = judge(assess(tagger, 1, notes, [D]), None, LENIENT)
    check = checks_of(report)["unalignable gold spans"]
    assert (check.verdict, check.value) == ("fail", "9.1%")
    assert check.reason.startswith("4 spans; recall cannot exceed 0.909")
    notes = notes[3:]
    assert "unalignable gold spans" not in failed(judge(assess(tagger, 1, notes, [D]), None, LENIENT))


def test_every_check_says_what_it_asked_and_why(assessed):
    """Name, threshold, value and reason are never empty, and names are unique: one row a check in the report."""
    contaminated_and_slow = changed(assessed, seconds_per_note=1)
    for report in (
        judge(assessed, None, GateThresholds()),
        judge(contaminated_and_slow, assessed, GateThresholds(min_f1=1, min_slice_spans=10**6), contaminated=3),
    ):
        assert all(check.name and check.threshold and check.value and check.reason for check in report.checks)
        assert len(checks_of(report)) == len(report.checks) >= 8
        assert GateReport.model_validate_json(report.model_dump_json()) == report


def test_comparison_shows_both_models_side_by_side(assessed, worse_tagger, unseen_documents):
    """What a canary should show: ratios of the challenger to the champion on the same notes."""
    worse = assess(worse_tagger, 1, unseen_documents, LABELS)
    comparison = judge(worse, assessed, LENIENT).comparison
    assert set(comparison) == {"strict.f1", "mean_score", *(f"entities_per_100_tokens.{label}" for label in LABELS)}
    row = comparison[f"entities_per_100_tokens.{D}"]
    assert row["champion"] == assessed.evaluation.entities_per_100_tokens[D]
    assert row["challenger"] == worse.evaluation.entities_per_100_tokens[D]
    assert row["ratio"] == pytest.approx(row["challenger"] / row["champion"])
    silent = changed(assessed, entities_per_100_tokens={D: 0.0})
    row = judge(assessed, silent, LENIENT).comparison[f"entities_per_100_tokens.{T}"]
    assert (row["champion"], row["ratio"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_f1", 1.01),
        ("min_f1", -0.1),
        ("min_f1", float("nan")),
        ("max_f1_drop", -0.01),
        ("max_f1_drop", 2),
        ("min_test_spans", 0),
        ("min_reviewed_spans", 0),
        ("min_slice_f1", 1.5),
        ("min_slice_spans", 0),
        ("max_unalignable_rate", 1.1),
        ("max_model_bytes", 0),
        ("max_latency_ratio", 0),
        ("min_f2", 0.5),
    ],
)
def test_threshold_out_of_range_is_refused_by_name(field, value):
    """The message names the threshold and what it may be."""
    with pytest.raises(ConfigError, match=rf"^{field}: \w+"):
        GateThresholds.checked(**{field: value})


def test_thresholds_in_range_are_kept():
    """All that is not given has its documented default."""
    assert GateThresholds.checked(min_f1=0.7) == GateThresholds(min_f1=0.7)
    assert GateThresholds.checked() == GateThresholds(
        min_f1=0.6, max_f1_drop=0.02, min_test_spans=100, max_latency_ratio=1.5, latency_decides=False
    )


def test_labels_are_those_of_gold_and_of_every_model(tagger):
    """A label that only the champion knows is counted for both: its predictions are errors."""
    assert labels_of([Document("1", "rash", (Entity(0, 4, "SYMPTOM"),))], tagger) == [D, "SYMPTOM", T]
    assert labels_of([], tagger, tagger) == LABELS
