"""What to ask a service in Knative mode for next: one update of the fields that a rollout owns, or nothing. Pure.

The order of these updates was measured on the real controller; each other order that was tried failed calls or sent them to a
model that nobody had approved (docs/rollout.md, "On a cluster").
"""

from typing import Any, NamedTuple

from clinical_ner.errors import ConfigError, TargetChanged
from clinical_ner.rollout.kserve.knative_health import can_serve, has_ready_pod
from clinical_ner.rollout.kserve.knative_observing import is_fit, is_latest, proven_percent
from clinical_ner.rollout.kserve.knative_reading import Model, View
from clinical_ner.rollout.kserve.knative_roles import Role, read_roles
from clinical_ner.rollout.kserve.predictors import SCHEMES
from clinical_ner.rollout.kserve.resources import DIGEST_VARIABLE, version_of
from clinical_ner.rollout.targets import ModelReference


class Wish(NamedTuple):
    """All that a rollout owns of the specification. ``percent`` is ``canaryTrafficPercent``; None leaves it out."""

    model: Model
    percent: int | None


def check_uri(model: ModelReference) -> None:
    """Raises ConfigError for one that KServe cannot fetch (it would stop all work on the service without a word), or whose
    version could not be told by it, as revisions are.
    """
    if model.uri.partition("://")[0] not in SCHEMES:
        raise ConfigError(f"{model.uri}: KServe fetches no model from there; it knows {', '.join(sorted(SCHEMES))}")
    if version_of(model.uri) != model.version:
        raise ConfigError(f"{model.uri}: in Knative mode the URI of version {model.version} has to end with its name")


def owned_fields(wish: Wish) -> dict[str, Any]:
    """The specification to apply, whole: what is left out is removed."""
    model = {
        "storageUri": wish.model.uri,
        "env": [{"name": DIGEST_VARIABLE, "value": wish.model.digest}],
    }
    predictor: dict[str, Any] = {"model": model} if wish.model.uri else {"model": {}}
    return {"predictor": predictor if wish.percent is None else {**predictor, "canaryTrafficPercent": wish.percent}}


def start(view: View, model: Model) -> Wish | None:
    """New model and 0 % in one update: whatever is rolled out keeps everything, also when a rejected canary is still the
    latest that is ready (kserve#2130). Raises TargetChanged when another canary is there, or the version is the stable one.
    """
    stable, canary = read_roles(view)
    if canary and canary.model == model:
        return None
    if canary or (stable and stable.model.version == model.version):
        role, other = ("a canary", canary) if canary else ("the stable version", stable)
        raise TargetChanged(f"{model.version} cannot be started: {role} {other.model.version if other else ''} is there")
    return Wish(model, 0 if stable else 100)


def set_percent(view: View, percent: int) -> Wish | None:
    """The same model with another share; more only for a canary that is the latest ready one and answers. The only version
    of a service has everything. Raises TargetChanged when there is no canary, or it is on its way out.
    """
    stable, canary = read_roles(view)
    if canary is None or canary.model != view.wanted:
        raise TargetChanged(f"{percent} % was asked for, and there is no canary")
    if stable is None or percent == view.asked:
        return None
    return Wish(view.wanted, percent) if percent < (view.asked or 0) or _can_take(view, canary, percent) else None


def promote(view: View) -> Wish | None:
    """The split goes, nothing else changes: with all traffic on the canary this moves none and makes no revision."""
    roles = read_roles(view)
    proven = view.asked == 100 and proven_percent(view, roles) == 100
    return Wish(view.wanted, None) if proven and _can_take(view, roles.canary, 100) else None


def abort(view: View) -> Wish | None:
    """The next step back to the stable alone: its model at 0 % as a revision of its own, then the split goes."""
    stable, canary = read_roles(view)
    if view.asked is None:
        return None
    if stable is None:
        # Knative goes on with a revision that was ready once, whatever is asked for later: that one cannot be taken away.
        return Wish(view.wanted if view.ready else Model(""), None)
    if view.wanted == stable.model:
        return Wish(stable.model, None) if canary is None and _is_back(view) else None
    return _send_back(view, stable, canary) if canary else None


def _can_take(view: View, role: Role | None, percent: int) -> bool:
    revision = role.revision if role else None
    return revision is not None and view.settled and is_latest(view, role) and can_serve(revision, percent)


def _is_back(view: View) -> bool:
    """The stable's model is the latest that is ready, and so gets everything when the split goes."""
    latest = Role(view.ready.model, view.ready) if view.ready else None
    return view.shares is not None and _can_take(view, latest, 100)


def _send_back(view: View, stable: Role, canary: Role) -> Wish | None:
    if canary.revision is None:
        # At 0 % the stable's own template would make KServe fall back to the version before it: wait for the canary's
        # revision, unless Knative refuses to make any.
        return Wish(stable.model, None) if view.refused else None
    if view.rolled_out and canary.model == view.rolled_out.model:
        return _leave_100(view, stable, canary)
    if view.asked == 100 and is_fit(view, canary):
        return None  # KServe is about to call the canary rolled out, and would keep everything on it
    return Wish(stable.model, 0)


def _leave_100(view: View, stable: Role, canary: Role) -> Wish | None:
    """Back to the revision before in one write, if its pods live; else the canary carries everything until the stable's model
    is ready again. Knative does not move the route while the canary is in crash back-off.
    """
    lives = stable.revision is not None and has_ready_pod(stable.revision)
    if not lives or not is_fit(view, canary):
        return Wish(stable.model, None)
    return Wish(view.wanted, 0) if view.asked else None
