"""The state machine of a rollout: from what is written down and what is seen to what is written down next, and done. Pure.

::

    pending -> (waiting-approval) -> starting -> shifting <-> holding -> promoting -> succeeded
                                                    ^            |
                                                    |            v
                                                    +--- (waiting-approval before 100 %)

    any of them -> rolling-back -> rolled-back; where there is no way back -> failed

Whoever advances a rollout writes the new status first and acts then. Actions follow from status and observation, so that one
that was lost to a kill is asked for again; a weight is asked for, and asked for again, until it is seen.
"""

from clinical_ner.rollout.machine.evidence import MAX_GAP_SECONDS
from clinical_ner.rollout.machine.facts import Facts
from clinical_ner.rollout.machine.guards import find_end
from clinical_ner.rollout.machine.holding import advance_hold
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.machine.promoting import advance_promotion
from clinical_ner.rollout.machine.starting import advance_pending, advance_starting
from clinical_ner.rollout.machine.turning_back import advance_roll_back, turn_back
from clinical_ner.rollout.machine.weights import advance_shifting
from clinical_ner.rollout.status import Instant, Phase, RolloutSpec, RolloutStatus


def advance(spec: RolloutSpec, status: RolloutStatus, facts: Facts, now: Instant) -> Transition:
    """The next status and what to do after it is written. An end stays as it is, and unseen nothing moves."""
    if status.ended:
        return Transition(status)
    if facts.target is None:
        return Transition(status.model_copy(update={"problems": facts.problems}))
    elapsed = seconds_between(status.seen_at, now)
    update = {
        "seen_at": now,
        "phase_seconds": status.phase_seconds + elapsed,
        "percent": facts.target.percent,
        "problems": facts.problems,
    }
    moment = Moment(spec, status.model_copy(update=update), facts, facts.target, elapsed, now.time)
    if status.phase is Phase.ROLLING_BACK:
        return advance_roll_back(moment)
    end = find_end(moment)
    return turn_back(moment, end) if end else _PHASES[status.phase](moment)


def seconds_between(earlier: Instant | None, later: Instant) -> float:
    """Seconds by the monotonic clock, at most ``MAX_GAP_SECONDS``; 0 between clocks that cannot be compared."""
    if earlier is None or earlier.counter != later.counter:
        return 0.0
    return min(max(later.ticks - earlier.ticks, 0.0), MAX_GAP_SECONDS)


def _waiting(moment: Moment) -> Transition:
    return advance_hold(moment) if moment.status.steps else advance_pending(moment)


_PHASES = {
    Phase.PENDING: advance_pending,
    Phase.WAITING_APPROVAL: _waiting,
    Phase.STARTING: advance_starting,
    Phase.SHIFTING: advance_shifting,
    Phase.HOLDING: advance_hold,
    Phase.PROMOTING: advance_promotion,
}
