"""From a rollout that was just made to a canary that is ready. Pure."""

from clinical_ner.rollout.machine.actions import StartCanary
from clinical_ner.rollout.machine.guards import End
from clinical_ner.rollout.machine.moment import Moment, Transition
from clinical_ner.rollout.machine.turning_back import turn_back
from clinical_ner.rollout.machine.weights import ask_for_step
from clinical_ner.rollout.status import Phase, Seen
from clinical_ner.version_states import State


def advance_pending(moment: Moment) -> Transition:
    """Nothing has been touched yet; the canary is asked for when nothing stands in the way."""
    refusal = _why_never(moment)
    if refusal:
        return moment.to(Phase.FAILED, refusal, "")
    stable = moment.target.stable
    if stable and stable.version == moment.spec.version:
        return _already_served(moment)
    obstacle = _why_not_yet(moment)
    if obstacle:
        return moment.stay(obstacle)
    if _open_gate(moment):
        return _wait_for_approval(moment)
    return _start(moment)


def _why_never(moment: Moment) -> str:
    canary, stable = moment.target.canary, moment.target.stable
    left = stable is None and canary is not None and canary.version == moment.spec.version  # a first version's earlier trial
    if canary and not left and not moment.facts.ahead:
        return f"a canary of version {canary.version or '(unknown)'} is there already, which no rollout under way has asked for"
    return ""


def _why_not_yet(moment: Moment) -> str:
    facts, target, version = moment.facts, moment.target, moment.spec.version
    stable = target.stable if moment.spec.purpose == "release" else None  # what is to be left may be as bad as it likes
    obstacles = {
        f"rollout {facts.ahead} of the same service to end": bool(facts.ahead),
        "the registry to answer": facts.registry is None,
        f"{version} to be approved in the registry (clinical-ner models approve)": _state(moment) is State.CANDIDATE,
        "the service to exist": target.missing,
        f"the service to be as a rollout can begin with: {'; '.join(target.drift)}": bool(target.drift),
        f"the stable version {stable.version if stable else ''} to be ready": stable is not None and not stable.ready,
    }
    return next((text for text, stands in obstacles.items() if stands), "")


def _state(moment: Moment) -> State | None:
    return moment.facts.registry.state if moment.facts.registry else None


def _open_gate(moment: Moment) -> str:
    """What a person must still approve before the start; who has no step below 100 % is asked for that one now."""
    approval, direct = moment.spec.plan.approval, moment.target.stable is None or len(moment.spec.plan.steps) == 1
    gate = "start" if approval == "before-start" else "promotion" if approval == "before-100" and direct else ""
    return "" if not gate or moment.facts.requests.approves(gate) else gate


def _wait_for_approval(moment: Moment) -> Transition:
    waits_for = f"a person to approve the start of {moment.spec.version}"
    if moment.status.phase is Phase.WAITING_APPROVAL:
        return moment.stay(waits_for)
    return moment.to(Phase.WAITING_APPROVAL, "the plan asks for approval before the start", waits_for)


def _start(moment: Moment) -> Transition:
    stable, registry, plan = moment.target.stable, moment.facts.registry, moment.spec.plan
    return moment.to(
        Phase.STARTING,
        f"{moment.spec.version} is to be loaded beside {stable.version if stable else 'nothing: it is the first'}",
        f"{moment.spec.version} to become ready, {plan.ready_seconds:g} seconds at most",
        StartCanary(moment.model),
        stable_version=stable.version if stable else "",
        stable_digest=stable.digest if stable else "",
        live_before=registry.live if registry else None,
    )


def _already_served(moment: Moment) -> Transition:
    """A rollout that was asked for twice finds its work done; one whose work others did says so."""
    registry, version = moment.facts.registry, moment.spec.version
    if registry is None:
        return moment.stay("the registry to answer")
    if registry.live == version:
        return moment.to(Phase.SUCCEEDED, f"{version} is the stable version and live already", "")
    return moment.to(
        Phase.FAILED, f"{version} is the stable version already, but not live in the registry: promote it there", ""
    )


def advance_starting(moment: Moment) -> Transition:
    """The canary is loaded; it carries nothing before it is ready."""
    canary, limit = moment.target.canary, moment.spec.plan.ready_seconds
    if canary and canary.ready and moment.stable_fit and moment.facts.registry:
        # A first version carries everything as soon as it is ready: there is only the last step to hold.
        step = 0 if moment.status.stable_version else len(moment.spec.plan.steps) - 1
        seen = Seen(restarts=canary.restarts, incarnation=canary.incarnation)
        return ask_for_step(moment, step, f"{moment.spec.version} is ready", canary_seen=seen)
    if moment.status.phase_seconds > limit:
        why = (canary.reason if canary else "") or "; ".join(moment.facts.problems) or "no reason is known"
        return turn_back(moment, End(f"{moment.spec.version} was not ready within {limit:g} seconds: {why}"))
    if canary and canary.ready:
        return moment.stay("the stable version to be ready, and the registry to answer")
    waits_for = f"{moment.spec.version} to become ready, {limit - moment.status.phase_seconds:.0f} seconds at most"
    return moment.stay(waits_for, *(() if canary else (StartCanary(moment.model),)))
