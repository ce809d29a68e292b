"""The gate's second judgement: better than the champion on notes that people reviewed."""

import dataclasses

import pytest

from clinical_ner.documents import Document, Entity
from clinical_ner.gate import (
    GateThresholds,
    ReviewedNotes,
    judge,
    labels_of,
    perform,
)
from tests.clinical_ner.gate_checks import LABELS, D, checks_of, failed

BETTER, SPANS, UNSEEN = (
    "better than the champion on reviewed notes",
    "evidence in reviewed notes",
    "reviewed notes unseen by both models",
)


@pytest.fixture(scope="module")
def on_reviewed(tagger, worse_tagger, unseen_documents):
    """``on_reviewed(challenger, champion, notes, seen=0)``: two of the models "good" and "bad" on the first reviewed notes."""
    taggers = {"good": tagger, "bad": worse_tagger}

    def build(challenger, champion, notes=50, seen=0):
        documents = unseen_documents[:notes]
        both = [perform(taggers[name], documents, LABELS) for name in (challenger, champion)]
        return ReviewedNotes(*both, seen)

    return build


def test_better_on_reviewed_notes_passes_the_second_judgement(assessed, on_reviewed):
    """The lower end of the interval lies above 0, and the report holds both judgements."""
    report = judge(assessed, assessed, GateThresholds(), reviewed=on_reviewed("good", "bad"))
    check = checks_of(report)[BETTER]
    assert (report.verdict, check.verdict, check.threshold) == ("approve", "pass", "lower end > 0")
    row = report.comparison["reviewed.strict.f1"]
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["difference"] == pytest.approx(row["challenger"] - row["champion"])
    assert float(check.value) == pytest.approx(row["low"], abs=5e-4)
    assert report.comparison["strict.f1"]["difference"] == 0
    reviewed = {name.removeprefix("reviewed.") for name in report.comparison if name.startswith("reviewed.")}
    assert reviewed == {name for name in report.comparison if not name.startswith("reviewed.")}


def test_not_better_on_reviewed_notes_is_rejected(assessed, on_reviewed):
    """Equal is not better, and worse is not; the first judgement may pass all the same."""
    for challenger, champion in (("good", "good"), ("bad", "good")):
        report = judge(assessed, assessed, GateThresholds(), reviewed=on_reviewed(challenger, champion))
        assert (report.verdict, failed(report)) == ("reject", {BETTER})


def test_better_by_chance_is_rejected(assessed, on_reviewed):
    """A difference above 0 whose interval reaches below is not enough."""
    good = on_reviewed("good", "good").challenger
    counts = good.counts.copy()
    note, label = next((row, column) for row, column in zip(*counts[..., 2].nonzero(), strict=True))
    counts[note, label, 2] -= 1  # one span of one note that the champion does not find
    report = judge(assessed, assessed, GateThresholds(), reviewed=ReviewedNotes(good, changed_counts(good, counts), 0))
    assert report.comparison["reviewed.strict.f1"]["difference"] > 0
    assert failed(report) == {BETTER}


def changed_counts(performance, counts):
    return dataclasses.replace(performance, counts=counts)


def test_too_few_reviewed_spans_are_too_little_evidence(assessed, on_reviewed):
    """Below the limit nothing is compared, which is a rejection; at the limit it is."""
    few = on_reviewed("good", "bad", 5)
    spans = int(few.challenger.counts[..., 0].sum())
    assert 10 < spans < 50
    report = judge(assessed, assessed, GateThresholds(), reviewed=few)
    assert failed(report) == {SPANS}
    assert checks_of(report)[SPANS].value == str(spans)
    assert checks_of(report)[SPANS].reason.startswith("too-little-evidence")
    assert checks_of(report)[BETTER].verdict == "skipped"
    enough = GateThresholds(min_reviewed_spans=spans)
    assert checks_of(judge(assessed, assessed, enough, reviewed=few))[SPANS].verdict == "pass"
    assert failed(judge(assessed, assessed, GateThresholds(), reviewed=on_reviewed("good", "bad", 0))) == {SPANS}


def test_reviewed_note_that_a_model_has_seen_is_rejected(assessed, on_reviewed):
    """One is enough, however clear the difference."""
    report = judge(assessed, assessed, GateThresholds(), reviewed=on_reviewed("good", "bad", seen=1))
    assert failed(report) == {UNSEEN}
    assert checks_of(report)[UNSEEN].value == "1"


def test_second_judgement_is_skipped_without_reviewed_notes_or_champion(assessed, on_reviewed):
    """Nobody is rejected for what was not asked, and the report says why it was not."""
    for champion, reviewed in ((assessed, None), (None, None), (None, on_reviewed("bad", "good"))):
        report = judge(assessed, champion, GateThresholds(), reviewed=reviewed)
        assert report.verdict == "approve"
        assert checks_of(report)[BETTER].verdict == "skipped"
        assert not {SPANS, UNSEEN} & set(checks_of(report))
        assert not any(name.startswith("reviewed.") for name in report.comparison)


def test_label_that_the_champion_does_not_know_counts_as_missed(tagger):
    """A challenger that learned a new label is better by it: the champion's recall suffers, not its precision."""
    text = "gout and asthma"
    notes = [Document(str(number), text, (Entity(0, 4, "SYMPTOM"), Entity(9, 15, D))) for number in range(30)]
    labels = labels_of(notes, tagger)
    performance = perform(tagger, notes, labels)
    assert performance.counts[:, labels.index("SYMPTOM"), 0].sum() == 30
    assert performance.counts[:, labels.index("SYMPTOM"), 1].sum() == 0
    assert performance.evaluation.strict.per_label["SYMPTOM"].recall == 0
