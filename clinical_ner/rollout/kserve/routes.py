"""Which share of the traffic the routes of an InferenceService in Standard mode send to each of its versions.

The InferenceService's own status only repeats what was asked for. A route's weights are what the gateway is told; it follows
within seconds (2 were seen), hence the time to settle.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from clinical_ner.rollout.kserve.resources import Json

SETTLE_SECONDS = 4.0
"""Twice the longest propagation that was seen."""

Shares = dict[str, int]
"""Percent by the name of a backend; those that get nothing are left out. Empty without routes: nobody gets anything."""


def predictor_route_names(service: str, workload: str) -> tuple[str, ...]:
    """Names that the predictor's own route may have, beside the service's, which is named like the service.

    KServe 0.20 names it after the predictor, later ones after the service. Those of former names stay behind.
    """
    return tuple(dict.fromkeys((workload, f"{service}-predictor")))


def living_route(candidates: Iterable[Json | None], service_route: Json | None) -> Json | None:
    """Of the routes under the predictor's names the one that KServe still writes; None without any.

    It writes the predictor's route and then the service's, with the same weights: a route that was left behind has those of
    its time. Of two that agree with the service's either proves them.
    """
    wanted = _weights(service_route) if service_route else []
    return max(filter(None, candidates), key=lambda each: (_weights(each) == wanted, is_accepted(each)), default=None)


def shares_of(routes: Iterable[Json | None]) -> Shares | None:
    """What all rules of all these routes agree on; None while they do not, or a gateway has not taken a route over."""
    found = list(routes)
    if not any(found):
        return {}
    shares = [share for route in found if route for share in _weights(route)]
    if not all(found) or not all(each and is_accepted(each) for each in found) or not shares:
        return None
    return shares[0] if all(each == shares[0] for each in shares) else None


def is_accepted(route: Json) -> bool:
    """Whether no gateway that reports on the route has an older one, or refuses it.

    A backend that gets nothing may be missing: KServe leaves a former canary's in the route.
    """
    generation = route["metadata"].get("generation", 0)
    idle = any(each.get("weight") == 0 for rule in route["spec"].get("rules") or () for each in rule.get("backendRefs") or ())
    return all(
        (each["status"] == "True" or (idle and each.get("reason") == "BackendNotFound"))
        and each.get("observedGeneration", generation) >= generation
        for parent in route.get("status", {}).get("parents") or ()
        for each in parent.get("conditions") or ()
        if each["type"] in {"Accepted", "ResolvedRefs"}
    )


def _weights(route: Json) -> list[Shares]:
    """Of each of its rules."""
    return [_share(rule) for rule in route["spec"].get("rules") or ()]


def _share(rule: Json) -> Shares:
    """Weights as percent, rounded; a backend without a weight has 1 (Gateway API)."""
    weights: dict[str, int] = {}
    for each in rule.get("backendRefs") or ():
        weights[each["name"]] = weights.get(each["name"], 0) + int(each.get("weight", 1))
    whole = sum(weights.values())
    return {name: round(100 * weight / whole) for name, weight in weights.items() if weight}


@dataclass(slots=True)
class Settling:
    """Remembers since when the shares have been the same. ``clock`` counts seconds.

    One that has just begun, after a restart of its process, knows of no time before it: it waits the whole time again.
    """

    clock: Callable[[], float]
    seconds: float = SETTLE_SECONDS
    _shares: Shares | None = None
    _since: float = 0.0
    _begun: float | None = None

    @property
    def is_new(self) -> bool:
        """Whether the shares are still those that it began with in the middle, of which nobody knows since when they are so."""
        return self._since == self._begun

    def settled(self, shares: Shares | None, *, divided: bool = False) -> Shares | None:
        """The shares, once they have been these at every look for so long; None before. ``divided`` with a canary."""
        now = self.clock()
        if self._begun is None:
            self._begun = now if divided else -inf
        if shares is None or shares != self._shares:
            self._shares, self._since = shares, now
        return shares if now - self._since >= self.seconds else None
