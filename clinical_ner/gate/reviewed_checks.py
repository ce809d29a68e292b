"""The second judgement of a retrain: is it better than the champion on reviewed notes of the traffic that asked for it?

The lower end of the 95 % interval must lie above 0, not the difference itself: of two equal models each is ahead on half of all
samples, so that the difference alone would let every second useless model through; the interval lets one in forty. A retrain
that is really better and fails has too few notes behind it, which more annotation mends.
"""

from collections.abc import Iterator

from clinical_ner.gate.candidates import Performance, ReviewedNotes, compare_f1, gold_spans
from clinical_ner.gate.report import GateCheck
from clinical_ner.gate.thresholds import GateThresholds

BETTER = "better than the champion on reviewed notes"
EVIDENCE = "evidence in reviewed notes"
UNSEEN = "reviewed notes unseen by both models"


def reviewed_checks(
    reviewed: ReviewedNotes | None, champion: Performance | None, thresholds: GateThresholds
) -> Iterator[GateCheck]:
    """One skipped check without reviewed notes or champion; a comparison on too few gold spans is not made."""
    if reviewed is None or champion is None:
        yield _skipped("no version is live to compare with" if champion is None else "none were given")
        return
    yield _unseen_check(reviewed.seen)
    evidence = _evidence_check(gold_spans(reviewed.challenger), thresholds)
    yield evidence
    yield _better_check(reviewed) if evidence.verdict == "pass" else _skipped("too few gold spans in them")


def _skipped(reason: str) -> GateCheck:
    return GateCheck(name=BETTER, threshold="lower end > 0", value="-", verdict="skipped", reason=reason)


def _unseen_check(seen: int) -> GateCheck:
    return GateCheck(
        name=UNSEEN,
        threshold="0 seen",
        value=str(seen),
        verdict="fail" if seen else "pass",
        reason="the comparison would favour whoever knows them" if seen else "the comparison is fair",
    )


def _evidence_check(spans: int, thresholds: GateThresholds) -> GateCheck:
    enough = spans >= thresholds.min_reviewed_spans
    return GateCheck(
        name=EVIDENCE,
        threshold=f">= {thresholds.min_reviewed_spans} gold spans",
        value=str(spans),
        verdict="pass" if enough else "fail",
        reason="enough to judge" if enough else "too-little-evidence: review more uniformly drawn notes",
    )


def _better_check(reviewed: ReviewedNotes) -> GateCheck:
    found = compare_f1(reviewed.challenger, reviewed.champion)
    return GateCheck(
        name=BETTER,
        threshold="lower end > 0",
        value=f"{found.low:+.3f}",
        verdict="pass" if found.low > 0 else "fail",
        reason=str(found),
    )
