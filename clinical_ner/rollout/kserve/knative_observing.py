"""From a view of a service in Knative mode to what the state machine observes. Pure."""

from collections.abc import Iterator

from clinical_ner.rollout.kserve.knative_health import answers, can_serve, why_unfit
from clinical_ner.rollout.kserve.knative_reading import Revision, View
from clinical_ner.rollout.kserve.knative_roles import Role, Roles, read_roles
from clinical_ner.rollout.kserve.pods import RestartMemory
from clinical_ner.rollout.targets import Backend, Observation


def observe_view(view: View, token: str, memory: RestartMemory) -> Observation:
    """What is seen; a revision's identity is the incarnation, and ``memory`` keeps its restarts."""
    roles = read_roles(view)
    return Observation(
        stable=_backend(view, roles.stable, memory, ready=True),
        canary=_backend(view, roles.canary, memory, ready=is_latest(view, roles.canary)),
        percent=proven_percent(view, roles),
        asked=view.asked,
        token=token,
        drift=tuple(_drift(view, roles)),
        notes=tuple(filter(None, (view.refused, *(each.message for each in (view.created,) if each)))),
    )


def is_latest(view: View, role: Role | None) -> bool:
    """Whether the split's "latest" means this one's revision: before that, a share for it would go to the one before."""
    return role is not None and role.revision is not None and role.revision == view.ready


def share_of(view: View, revision: Revision | None) -> int:
    """Percent that the gateway sends it; 0 while that is unknown."""
    return (view.shares or {}).get(revision.name, 0) if revision else 0


def is_fit(view: View, role: Role | None) -> bool:
    """Whether it can carry what it is sent."""
    return role is not None and role.revision is not None and can_serve(role.revision, share_of(view, role.revision))


def _backend(view: View, role: Role | None, memory: RestartMemory, *, ready: bool) -> Backend | None:
    if role is None:
        return None
    model, revision = role
    if revision is None:
        reason = view.refused or "KServe has not made its revision yet"
        return Backend(model.version, model.digest, reason=reason)
    fit = ready and is_fit(view, role)
    return Backend(
        version=model.version,
        digest=model.digest,
        ready=fit,
        some_ready=answers(revision),
        restarts=memory.total(revision.uid, revision.pods),
        incarnation=revision.uid,
        reason="" if fit else why_unfit(revision) or "its pods are not ready yet",
    )


def proven_percent(view: View, roles: Roles) -> int | None:
    """The canary's share; proven when the gateway's is what was asked for, and "latest" means the canary."""
    if roles.canary is None:
        return 0 if _is_at_rest(view, roles) else None
    revision = roles.canary.revision
    if view.shares is None:
        return None
    share = share_of(view, revision)
    if share != view.asked or not (share == 0 or (view.settled and revision == view.ready)):
        return None
    return share


def _is_at_rest(view: View, roles: Roles) -> bool:
    if view.asked is not None or view.lost or roles.stable is None:
        return view.asked is None and not view.lost
    return view.settled and view.ready is not None and view.shares == {view.ready.name: 100}


def _drift(view: View, roles: Roles) -> Iterator[str]:
    """What no step of a rollout leaves behind."""
    if view.stopped:
        yield "it is stopped (annotation serving.kserve.io/stop)"
    if view.lost:
        yield f"revision {view.lost} is gone, as when a Knative service is deleted: who is served what is KServe's choice"
    models = {each.model for each in (view.created, view.ready) if each}
    if not view.settled and models == {view.wanted} and view.created and view.ready and (roles.canary or view.asked is None):
        yield f"something of its template was changed: revision {view.created.name} is to take the place of {view.ready.name}"
    if view.asked is None and not view.ours and view.ready and view.wanted != view.ready.model:
        yield f"somebody else asked for the model {view.wanted.uri or '(none)'} without a rollout"
