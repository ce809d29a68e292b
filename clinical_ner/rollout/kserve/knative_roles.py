"""Which revision is the stable and which the canary. Pure.

Neither is written down anywhere, for nothing of the rollout's may stand in annotations: both follow from what the specification
asks for (model and ``canaryTrafficPercent``) and from what KServe calls rolled out::

    percent  specification    rolled out, before    stable    canary
    none     the model        -                     latest ready   none
    0..100   another model    v1                    v1        the specification's
    100      the same model   v2, v1                v1        v2      at 100 % KServe calls the canary rolled out
    0        the same model   v1                    v1        v2, while it is the latest ready: the way back
    none     another model    v2                    the specification's   v2: the way back after 100 %
    100      a model          none                  none      the specification's: a service's first version
"""

from typing import NamedTuple

from clinical_ner.rollout.kserve.knative_reading import Model, Revision, View


class Role(NamedTuple):
    """A model that is or was asked for, and its revision; None before KServe has made one."""

    model: Model
    revision: Revision | None


class Roles(NamedTuple):
    stable: Role | None
    canary: Role | None


def read_roles(view: View) -> Roles:
    """Who is who; None is nobody, as when revisions are lost."""
    if view.lost:
        return Roles(None, None)
    if view.asked is None:
        return _without_split(view)
    if view.rolled_out is None:
        return Roles(None, _asked_for(view))
    if view.wanted != view.rolled_out.model:
        return Roles(_played_by(view.rolled_out), _asked_for(view))
    if view.asked == 100 or (view.settled and view.created == view.rolled_out):
        return _at_100(view)
    return _way_back(view)


def _without_split(view: View) -> Roles:
    """The latest ready one carries everything."""
    if view.ready is None:
        return Roles(_asked_for(view), None)
    if view.ours and view.wanted.uri and view.wanted != view.ready.model:
        return Roles(_asked_for(view), _played_by(view.ready))
    return Roles(_played_by(view.ready), None)


def _at_100(view: View) -> Roles:
    canary = _asked_for(view)
    if view.before is None:
        return Roles(None, canary) if view.asked == 100 else Roles(canary, None)
    if view.before.model == view.wanted:
        return Roles(_played_by(view.rolled_out), None)
    return Roles(_played_by(view.before), canary)


def _way_back(view: View) -> Roles:
    """The stable's model is asked for again; the canary is there as long as it is the latest that is ready, or was made."""
    left = (each for each in (view.ready, view.created) if each and each.model != view.wanted)
    return Roles(_played_by(view.rolled_out), _played_by(next(left, None)))


def _asked_for(view: View) -> Role | None:
    """By the latest ready revision of the wanted model, which has its share while a newer one is made, or else the newest."""
    if not view.wanted.uri:
        return None
    made = (each for each in (view.ready, view.created) if each and each.model == view.wanted)
    return Role(view.wanted, next(made, None))


def _played_by(revision: Revision | None) -> Role | None:
    return Role(revision.model, revision) if revision else None
