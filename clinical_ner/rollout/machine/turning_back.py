"""The way back: traffic first, then the canary, then the registry. Pure."""

from dataclasses import replace

from clinical_ner.rollout.machine.actions import AbortCanary, MoveLivePointer, RaiseFence, RegistryAction, WithdrawVersion
from clinical_ner.rollout.machine.guards import UNREADY, End
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.status import Phase
from clinical_ner.version_states import State


def turn_back(moment: Moment, end: End) -> Transition:
    """End the rollout for this reason; a canary that was asked for is taken away first."""
    blamed = end.blamed and moment.spec.purpose == "release"
    if end.phase is Phase.FAILED:
        return moment.to(Phase.FAILED, end.reason, "")
    if not moment.status.started and not blamed:
        return moment.to(Phase.ROLLED_BACK, f"{end.reason}; nothing had been started", "")
    waits_for = f"everything to go back to {moment.status.stable_version or 'nothing'}"
    actions = (AbortCanary(),) if _may_abort(moment) else ()
    return moment.to(Phase.ROLLING_BACK, end.reason, waits_for, *actions, blamed=blamed)


def advance_roll_back(moment: Moment) -> Transition:
    """Ask for the way back until it is seen. It has no time limit: there is nothing better to do."""
    if _crashed_after_all(moment):
        moment = replace(moment, status=moment.status.model_copy(update={"blamed": True}))
    status, stable = moment.status, moment.target.stable
    if moment.target.missing:
        return _settle(moment, Phase.FAILED, "the service itself is gone")
    if stable and stable.version == moment.spec.version != status.stable_version:
        back = f"`clinical-ner rollout start {status.stable_version}` brings {status.stable_version} back"
        remedy = back if status.stable_version else "there is none to go back to"
        return _settle(moment, Phase.FAILED, f"{moment.spec.version} serves everybody, and {remedy}")
    if not _is_clear(moment):
        return _go_back(moment)
    as_before = not stable or stable.version in {"", status.stable_version} or not moment.status.stable_version
    if as_before:
        return _settle(moment, Phase.ROLLED_BACK, f"{status.stable_version or 'nothing'} serves everybody")
    return _settle(
        moment, Phase.FAILED, f"the canary is gone, but the stable version is {stable.version if stable else 'gone'}"
    )


def _crashed_after_all(moment: Moment) -> bool:
    """Whether a canary that was only seen unready had crashed: the restart, which tells, comes a moment later."""
    canary, seen = moment.target.canary, moment.status.canary_seen
    if moment.spec.purpose != "release" or not moment.status.reason.startswith(UNREADY) or not canary or not seen:
        return False
    return canary.incarnation == seen.incarnation and canary.restarts > seen.restarts


def _go_back(moment: Moment) -> Transition:
    registry = tuple(_registry_actions(moment))
    if not _may_abort(moment):
        return moment.stay("the stable version to answer: until then the canary, which does, keeps what it carries", *registry)
    return moment.stay(f"everything to go back to {moment.status.stable_version or 'nothing'}", AbortCanary(), *registry)


def _settle(moment: Moment, end: Phase, result: str) -> Transition:
    """Traffic is settled; the registry has to say the same. Nobody is blamed in the end whom it has not withdrawn."""
    reason, actions, standing = moment.status.reason, tuple(_registry_actions(moment)), moment.facts.registry
    blamed = moment.status.blamed and standing is not None and standing.state is State.ROLLED_BACK
    if not actions and standing:
        return moment.to(end, f"{reason}; {result}", "", blamed=blamed)
    if moment.status.phase_seconds > moment.spec.plan.ready_seconds:
        told = f"{reason}; {result}, but the registry did not take the change"
        return moment.to(Phase.FAILED, told, "", blamed=blamed)
    return moment.stay("the registry to take the change", *actions)


def _is_clear(moment: Moment) -> bool:
    target = moment.target
    if target.canary is None:
        return target.percent == 0 or target.stable is None
    # One that was there before this rollout asked for any is not its to take away.
    return moment.status.canary_seen is None and target.canary.version not in {"", moment.spec.version}


def _may_abort(moment: Moment) -> bool:
    """Traffic leaves a backend that answers only for another one that does."""
    canary = moment.target.canary
    carries = moment.target.percent != 0 and canary is not None and canary.answers
    return not _is_clear(moment) and (not carries or moment.stable_answers)


def _registry_actions(moment: Moment) -> list[RegistryAction]:
    """What the registry must still be told: a version to blame is withdrawn, a pointer that had moved comes back."""
    standing, status, spec = moment.facts.registry, moment.status, moment.spec
    if standing is None or standing.state is None:
        return []
    moved = standing.live == spec.version and status.live_before not in {None, spec.version}
    if status.blamed and (moved or standing.state is State.APPROVED):
        return [WithdrawVersion(spec.version, reason=status.reason)]
    if moved and status.live_before:
        return [MoveLivePointer(status.live_before, restore=True, reason=status.reason)]
    # Once 100 % had passed somebody may have set out to move the pointer, and not yet have come there.
    promised, by = any(step.percent == 100 for step in status.steps), f"rollout {spec.name} of {spec.created.isoformat()}"
    return [RaiseFence(by)] if promised and standing.fence != by else []
