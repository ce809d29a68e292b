"""What ends a rollout at once, whatever it is doing. Pure; the first reason found is the one that is told."""

from typing import NamedTuple

from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.machine.moment import Moment
from clinical_ner.rollout.status import Phase, Seen
from clinical_ner.rollout.targets import Backend
from clinical_ner.version_states import State


class End(NamedTuple):
    """Why it ends, whether the model itself is to blame, and whether there is a way back."""

    reason: str
    blamed: bool = False
    phase: Phase = Phase.ROLLING_BACK


UNREADY = "the canary is no longer ready"
"""Its node may have failed, or was drained: that alone blames nobody."""
_GONE = {State.REJECTED, State.ROLLED_BACK}
_NEVER_LIVE = {State.CANDIDATE, State.APPROVED}


def find_end(moment: Moment) -> End | None:
    """Why the rollout must end now; None when nothing speaks against going on."""
    checks = [_service_gone]
    if not moment.promoted:
        checks += [_ordered, _superseded, _registry_changed, _live_moved]
        if moment.status.started:
            checks += [_foreign_canary, _digest_differs, _stable_changed, _edited]
            checks += [_canary_failed, _canary_changed, _share_changed]
    return next((end for end in (check(moment) for check in checks) if end), None)


def _service_gone(moment: Moment) -> End | None:
    if not moment.target.missing or not moment.status.started:
        return None
    return End(
        "the service is gone: it was deleted while it was rolled out, and there is nothing to go back to", phase=Phase.FAILED
    )


def _ordered(moment: Moment) -> End | None:
    abort = moment.facts.requests.abort
    return End(f"{abort.actor} ended it: {abort.reason}", abort.withdraw) if abort else None


def _superseded(moment: Moment) -> End | None:
    newer = moment.facts.superseded_by
    if not newer or moment.status.phase is Phase.PROMOTING:
        return None
    return End(f"rollout {newer} takes its place")


def _registry_changed(moment: Moment) -> End | None:
    standing, spec = moment.facts.registry, moment.spec
    if standing is None:
        return None
    if standing.state is None:
        return End(f"version {spec.version} is no longer in the registry")
    if standing.digest != spec.digest:
        return End(f"the registry's {spec.version} is {_short(standing.digest)}, not {_short(spec.digest)} as in this rollout")
    if spec.purpose == "restore" and standing.state in _NEVER_LIVE:
        return End(f"version {spec.version} is {standing.state} in the registry: only one that was live is brought back")
    if standing.state in _GONE or (standing.state is State.RETIRED and spec.purpose != "restore"):
        return End(f"version {spec.version} is {standing.state} in the registry")
    return None


def _live_moved(moment: Moment) -> End | None:
    registry, version = moment.facts.registry, moment.spec.version
    if registry is None:
        return None
    if moment.spec.returns_live and registry.live != version:
        return End(f"version {version} is not the live one in the registry: {registry.live or 'none'} is")
    if moment.status.started and registry.live not in {moment.status.live_before, version}:
        return End(f"the live version became {registry.live}, by no doing of this rollout")
    return None


def _foreign_canary(moment: Moment) -> End | None:
    canary = moment.target.canary
    if canary is None or canary.version in {"", moment.spec.version}:
        return None
    reason = f"a canary of version {canary.version} is there, by no doing of this rollout"
    return End(reason) if moment.status.canary_seen else End(f"{reason}; it is left alone", phase=Phase.FAILED)


def _digest_differs(moment: Moment) -> End | None:
    """What is served is not what was approved; the version itself is not to blame for it."""
    pairs = (
        ("canary", moment.spec.version, moment.spec.digest, moment.target.canary, moment.facts.canary),
        ("stable", moment.status.stable_version, moment.status.stable_digest, moment.target.stable, moment.facts.stable),
    )
    for role, version, digest, backend, counters in pairs:
        served = _other_digest(digest, backend, counters)
        if served:
            return End(f"the {role} serves {_short(served)} as {version}, whose digest is {_short(digest)}")
    return None


def _other_digest(digest: str, backend: Backend | None, counters: Counters | None) -> str:
    served = {backend.digest} if backend and backend.digest else set()
    served |= counters.digests if counters else set()
    return min(served - {digest}, default="") if digest else ""


def _edited(moment: Moment) -> End | None:
    """Asked before whether the canary failed: a service that somebody stopped has no canary that works either."""
    drift = moment.target.drift
    return End(f"the service was changed by somebody else: {'; '.join(drift)}") if drift else None


def _canary_failed(moment: Moment) -> End | None:
    canary = moment.target.canary
    if canary is None:
        return None
    if canary.restarts > (moment.status.canary_seen or Seen()).restarts:
        return End(f"the canary restarted: {canary.reason or 'its processes ended by themselves'}", blamed=True)
    if not canary.ready and moment.status.phase is not Phase.STARTING:
        return End(f"{UNREADY}: {canary.reason or 'a process does not answer'}")
    return None


def _stable_changed(moment: Moment) -> End | None:
    stable, version = moment.target.stable, moment.status.stable_version
    if stable is None:
        reason = f"the stable version {version} is gone, and with it the way back; the canary is left as it is"
        return End(reason, phase=Phase.FAILED) if version else None
    if stable.version in {"", version}:
        return None
    return End(f"the stable version became {stable.version} instead of {version or 'none'}, by no doing of this rollout")


def _canary_changed(moment: Moment) -> End | None:
    canary, seen = moment.target.canary, moment.status.canary_seen
    if seen is None or moment.status.phase is Phase.STARTING:
        return None
    if canary is None:
        return End("the canary is gone: somebody took it away")
    if canary.incarnation != seen.incarnation:
        return End("the canary's processes were replaced in the middle: somebody changed its template")
    return None


def _share_changed(moment: Moment) -> End | None:
    target, phase = moment.target, moment.status.phase
    alone = not moment.status.stable_version
    if phase is not Phase.SHIFTING and not alone and (target.asked or 0) != moment.percent:
        return End(f"somebody asked for {target.asked or 0} % where the rollout asked for {moment.percent} %")
    return None


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12] or "nothing"
