"""A step with its weight proven: time and requests are collected, and judged. Pure."""

from clinical_ner.rollout.analysis.judging import judge
from clinical_ner.rollout.analysis.looks import Look, next_look
from clinical_ner.rollout.counting.counters import Sample
from clinical_ner.rollout.machine.evidence import again, grow
from clinical_ner.rollout.machine.guards import End
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.machine.turning_back import turn_back
from clinical_ner.rollout.machine.weights import ask_for_step
from clinical_ner.rollout.plan import RolloutStep
from clinical_ner.rollout.status import Analysis, Hold, Phase, Seen, StepRecord


def advance_hold(moment: Moment) -> Transition:
    """Go on with the hold, and with the rollout when the step passes or fails."""
    held = moment.status.hold or Hold()
    hold = held.model_copy(
        update={"held_seconds": held.held_seconds + moment.elapsed, "spent_seconds": held.spent_seconds + moment.elapsed}
    )
    if moment.target.percent != moment.percent:
        if moment.status.phase is Phase.WAITING_APPROVAL:
            # Its step is the one to 100 % already: whoever left this phase to shift would ask for that one.
            waits_for = f"the router to send {moment.percent} %, and {_PERSON}"
            return moment.stay(waits_for, hold=again(hold, moment.facts.canary, moment.facts.stable))
        reason = f"the router sends {_show(moment.target.percent)} instead of {moment.percent} %: the hold begins again"
        return moment.to(Phase.SHIFTING, reason, f"the router to send {moment.percent} %", hold=hold)
    growth = grow(hold, moment.facts.canary, moment.facts.stable)
    if growth.canary_restarted:
        return turn_back(moment, End("the canary restarted: its counters began anew", blamed=True))
    disturbed = not moment.stable_fit or growth.stable_restarted or _stable_replaced(moment)
    if disturbed and moment.spec.purpose == "release":
        return _again(moment, hold)
    return _judge_step(moment, _looked(moment, growth.hold))


def _again(moment: Moment, hold: Hold) -> Transition:
    """What was held while the stable restarted compares with nothing."""
    facts, stable = moment.facts, moment.target.stable
    late = _why_too_late(moment, hold)
    if late:
        return turn_back(moment, End(late))
    return moment.stay(
        "the hold, which began again because the stable version restarted or is not ready",
        hold=again(hold, facts.canary, facts.stable),
        stable_seen=stable and Seen(restarts=stable.restarts, incarnation=stable.incarnation),
    )


def _stable_replaced(moment: Moment) -> bool:
    stable, seen = moment.target.stable, moment.status.stable_seen
    if stable is None or seen is None:
        return False
    return stable.restarts != seen.restarts or stable.incarnation != seen.incarnation


def _looked(moment: Moment, hold: Hold) -> Hold:
    """The hold after it was judged, when a look is due and the readings that it goes by are there."""
    requests = hold.canary.sample.counts.requests
    full = is_full(moment, hold)
    due = requests >= hold.next_look or (full and not (hold.analysis and hold.analysis.full))
    if moment.spec.purpose == "restore" or not (due and requests) or _unread(moment):
        return hold
    look = Look(number=hold.looks + 1, full=hold.full_looks + full, steps=len(moment.spec.plan.steps))
    expectation = moment.spec.expectation
    if expectation and expectation.champion != moment.status.stable_version:
        expectation = None
    found = judge(_reference(moment, hold), hold.canary.sample, expectation, moment.spec.plan.rules, look)
    looks = {"looks": look.number, "full_looks": look.full, "next_look": next_look(requests)}
    return hold.model_copy(update={**looks, "analysis": found.model_copy(update={"full": full})})


def is_full(moment: Moment, hold: Hold) -> bool:
    """Whether the step has had its time and its requests."""
    step = _step(moment)
    return hold.held_seconds >= step.hold_seconds and hold.canary.sample.counts.requests >= step.min_requests


def _is_compared(moment: Moment) -> bool:
    """Whether the stable carries something in this step."""
    return bool(moment.status.stable_version) and moment.percent < 100


def _reference(moment: Moment, hold: Hold) -> Sample | None:
    """The stable in this step; at 100 %, which leaves it nothing, in the step before."""
    return hold.stable.sample if _is_compared(moment) else moment.status.reference


def _step(moment: Moment) -> RolloutStep:
    step = moment.status.step
    return moment.spec.plan.steps[step - 1 if moment.status.phase is Phase.WAITING_APPROVAL else step]


def _judge_step(moment: Moment, hold: Hold) -> Transition:
    found, full = hold.analysis, is_full(moment, hold)
    if found and found.verdict == "fail":
        return turn_back(
            moment.with_hold(hold), End(f"worse than the stable version at {moment.percent} %: {found.reason}", True)
        )
    if moment.spec.purpose == "restore" and full:
        return _next(moment, hold, _RESTORED)
    if moment.status.phase is Phase.WAITING_APPROVAL:
        return _approved(moment, hold)
    if found and found.verdict == "pass" and found.full and full:
        return _next(moment, hold, found)
    late = _why_too_late(moment, hold)
    if late:
        return turn_back(moment.with_hold(hold), End(late))
    return moment.stay(_missing(moment, hold), hold=hold)


_RESTORED = Analysis(verdict="pass")


def _why_too_late(moment: Moment, hold: Hold) -> str:
    limit = _step(moment).hold_seconds + moment.spec.plan.inconclusive_seconds
    if hold.spent_seconds <= limit or moment.status.phase is Phase.WAITING_APPROVAL:
        return ""
    return f"no verdict at {moment.percent} % within {limit:g} seconds: {_missing(moment, hold)}"


def _missing(moment: Moment, hold: Hold) -> str:
    """What the step still lacks, in words."""
    step, requests, unread = _step(moment), hold.canary.sample.counts.requests, _unread(moment)
    if unread:
        return f"metrics: {unread}"
    if not requests:
        return "traffic: no request has reached the canary in this step"
    left = step.hold_seconds - hold.held_seconds
    parts = [f"{left:.0f} more seconds"] if left > 0 else []
    if requests < step.min_requests:
        parts.append(f"{step.min_requests - requests:,.0f} more requests")
    if not parts and hold.analysis:
        parts.append(f"a verdict ({hold.analysis.reason}; next look at {hold.next_look:,} requests)")
    return " and ".join(parts) or "the first look"


def _unread(moment: Moment) -> str:
    """What of the readings that this step goes by is not there, in words; a version that carries traffic has a process."""
    readings = {moment.spec.version: moment.facts.canary}
    if _is_compared(moment):
        readings[moment.status.stable_version] = moment.facts.stable
    unread = [version for version, reading in readings.items() if reading is None]
    unknown = [version for version, reading in readings.items() if reading and not reading.processes]
    if unread:
        return f"those of {' and '.join(unread)} cannot be read at present"
    return f"no process of {' and '.join(unknown)} is known where they are read; are its pods scraped?" if unknown else ""


def _next(moment: Moment, hold: Hold, found: Analysis) -> Transition:
    """Record the step, and ask for the next one, for approval, or for the promotion."""
    status, plan = moment.status, moment.spec.plan
    record = _record(moment, hold, found)
    steps, passed = (*status.steps, record), f"{moment.percent} % passed"
    if status.step + 1 == len(plan.steps):
        return moment.to(Phase.PROMOTING, passed, f"{moment.spec.version} to be promoted", steps=steps, hold=None)
    changes: dict[str, object] = {"steps": steps, "reference": hold.stable.sample}
    last = status.step + 2 == len(plan.steps)
    if last and plan.approval == "before-100" and not moment.facts.requests.approves("promotion"):
        reason = f"{passed}; the plan asks for approval before 100 %"
        return moment.to(Phase.WAITING_APPROVAL, reason, _PERSON, hold=hold, step=status.step + 1, **changes)
    return ask_for_step(moment, status.step + 1, passed, hold=None, **changes)


_PERSON = "a person to approve the step to 100 %"


def _approved(moment: Moment, hold: Hold) -> Transition:
    """Before 100 % the canary is watched on: what fails now ends the rollout as in any step."""
    if not moment.facts.requests.approves("promotion"):
        return moment.stay(_PERSON, hold=hold)
    seen = (moment.status.reference or Sample(), hold.stable.sample)  # the hold may have begun again a moment ago
    reference = max(seen, key=lambda sample: sample.counts.requests)
    return ask_for_step(moment, moment.status.step, "a person approved 100 %", hold=None, reference=reference)


def _record(moment: Moment, hold: Hold, found: Analysis) -> StepRecord:
    return StepRecord(
        percent=moment.percent,
        held_seconds=hold.held_seconds,
        requests=round(hold.canary.sample.counts.requests),
        stable_requests=round(hold.stable.sample.counts.requests),
        analysis=found,
        ended=moment.now,
    )


def _show(percent: int | None) -> str:
    return "an unknown share" if percent is None else f"{percent} %"
