"""Asking for a step's weight until the router shows it. Pure."""

from clinical_ner.rollout.machine.actions import SetPercent
from clinical_ner.rollout.machine.evidence import again, begin
from clinical_ner.rollout.machine.guards import End
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.machine.turning_back import turn_back
from clinical_ner.rollout.status import Phase, Seen


def ask_for_step(moment: Moment, step: int, reason: str, **changes: object) -> Transition:
    """Ask for the weight of a step, whose hold begins when it is proven."""
    percent = moment.spec.plan.steps[step].percent
    waits_for = f"the router to send {percent} % to {moment.spec.version}"
    return moment.to(Phase.SHIFTING, reason, waits_for, SetPercent(percent), step=step, **changes)


def advance_shifting(moment: Moment) -> Transition:
    """The weight was asked for; only what the router really does proves it."""
    percent, limit, waited = moment.percent, moment.spec.plan.ready_seconds, moment.status.phase_seconds
    if moment.target.percent == percent and moment.stable_fit:
        return _hold(moment)
    if waited > limit and not _is_only_way(moment):
        return turn_back(moment, End(f"{percent} % was asked for and not seen within {limit:g} seconds"))
    hold = moment.status.hold
    spent = hold and hold.model_copy(update={"spent_seconds": hold.spent_seconds + moment.elapsed})
    if not moment.stable_fit:
        return moment.stay("the stable version to be ready before any weight is moved", hold=spent)
    needed = (SetPercent(percent),) if moment.target.asked != percent else ()
    at_most = "" if _is_only_way(moment) else f", {limit - waited:.0f} seconds at most"
    return moment.stay(f"the router to send {percent} % to {moment.spec.version}{at_most}", *needed, hold=spent)


def _is_only_way(moment: Moment) -> bool:
    """Whether the version that is to be left has lost processes: then there is nothing to go back to."""
    stable = moment.target.stable
    return moment.spec.purpose == "restore" and stable is not None and not stable.ready


def _hold(moment: Moment) -> Transition:
    facts, hold, stable = moment.facts, moment.status.hold, moment.target.stable
    fresh = again(hold, facts.canary, facts.stable) if hold else begin(facts.canary, facts.stable)
    return moment.to(
        Phase.HOLDING,
        f"{moment.spec.version} carries {moment.percent} %",
        "time and requests",
        hold=fresh,
        stable_seen=stable and Seen(restarts=stable.restarts, incarnation=stable.incarnation),
    )
