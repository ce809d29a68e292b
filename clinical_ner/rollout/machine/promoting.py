"""Every step passed: the live pointer moves, then the canary becomes the stable. Pure."""

from clinical_ner.rollout.machine.actions import MoveLivePointer, PromoteCanary, RegistryAction, WithdrawVersion
from clinical_ner.rollout.machine.guards import End
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.machine.turning_back import turn_back
from clinical_ner.rollout.status import Phase


def advance_promotion(moment: Moment) -> Transition:
    """The canary serves everybody, and the live pointer says so first, while the stable is still there to go back to."""
    spec, registry, stable = moment.spec, moment.facts.registry, moment.target.stable
    live = registry is not None and registry.live == spec.version
    if live and moment.promoted and moment.target.canary is None and stable and stable.ready:
        ordered = "; the order to end it came after the promotion" if moment.facts.requests.abort else ""
        return moment.to(Phase.SUCCEEDED, f"{spec.version} serves everybody and is live{ordered}", "", hold=None)
    if spec.returns_live and registry and not live:
        reason = f"{spec.version} serves everybody, but is no longer the live one in the registry: {registry.live or 'none'} is"
        return moment.to(Phase.FAILED, f"{reason}; a person must look", "")
    if moment.status.phase_seconds > spec.plan.ready_seconds:
        return _too_late(moment)
    if not live:
        return moment.stay(f"the live pointer to move to {spec.version}", *([] if registry is None else [_move(moment)]))
    if moment.promoted or moment.target.percent == 100:
        return moment.stay(f"{spec.version} to become the stable version, and ready", PromoteCanary())
    return moment.stay(f"the router to send 100 % to {spec.version}")


def _too_late(moment: Moment) -> Transition:
    limit = f"within {moment.spec.plan.ready_seconds:g} seconds"
    if not moment.promoted and not moment.status.stable_version:
        # It is the only version there is: to take it away would leave callers with nothing.
        reason = f"{moment.spec.version} serves everybody, but was not promoted and live {limit}"
        return moment.to(Phase.FAILED, f"{reason}; `clinical-ner rollout start {moment.spec.version}` tries again", "")
    if not moment.promoted:
        return turn_back(moment, End(f"it was not promoted {limit}"))
    reason = f"{moment.spec.version} became the stable version, but was not ready and live {limit}; a person must look"
    return moment.to(Phase.FAILED, reason, "")


def _move(moment: Moment) -> RegistryAction:
    spec, registry = moment.spec, moment.facts.registry
    if spec.purpose == "release":
        percents = ", ".join(str(step.percent) for step in moment.status.steps)
        return MoveLivePointer(spec.version, restore=False, reason=f"rollout {spec.name} held {percents} %")
    if registry and registry.live == spec.withdraws:
        # Its withdrawal makes the version before it live, which is the one that serves everybody by now.
        return WithdrawVersion(spec.withdraws, reason=spec.reason)
    return MoveLivePointer(spec.version, restore=True, reason=spec.reason)
