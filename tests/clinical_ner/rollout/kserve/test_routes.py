"""Which share the routes give each version, and from when on that is known."""

import pytest

from clinical_ner.rollout.kserve.routes import Settling, is_accepted, living_route, shares_of
from tests.clinical_ner.rollout.kserve.pod_objects import route

STABLE, CANARY = "ner-v1-predictor", "ner-v2-predictor"


def told(found, kind, status, reason, generation=2):
    """With what a gateway reports of it."""
    condition = {"type": kind, "status": status, "reason": reason, "observedGeneration": generation}
    return {**found, "status": {"parents": [{"conditions": [condition]}]}}


@pytest.mark.parametrize(
    ("routes", "shares"),
    [
        ([None, None], {}),
        ([route(v1=90, v2=10)] * 2, {STABLE: 90, CANARY: 10}),
        ([route(v1=1)] * 2, {STABLE: 100}),
        ([route(v1=100, v2=0)] * 2, {STABLE: 100}),
        ([route(v1=90, v2=10), route(v1=100)], None),
        ([route(v1=90, v2=10), None], None),
    ],
)
def test_share_is_what_both_routes_say(routes, shares):
    """Weights as percent; without any route nobody gets anything."""
    assert shares_of(routes) == shares


@pytest.mark.parametrize(("generation", "status"), [(1, "True"), (2, "False")])
def test_route_that_its_gateway_does_not_have_proves_nothing(generation, status):
    """It reports an older one, or refuses it."""
    found = route(v1=90, v2=10)
    condition = {"type": "Accepted", "status": status, "observedGeneration": generation}
    found["status"] = {"parents": [{"conditions": [condition]}]}
    assert shares_of([found, found]) is None
    condition |= {"observedGeneration": 2, "status": "True"}
    assert shares_of([found, found]) == {STABLE: 90, CANARY: 10}


def test_share_is_proven_when_it_has_settled():
    """Every change, and every moment of disagreement, begins the time again; so does a new memory."""
    now = [0.0]
    settling = Settling(lambda: now[0], seconds=4)

    def look(seconds, shares):
        now[0] += seconds
        return settling.settled(shares)

    ten, fifty = {STABLE: 90, CANARY: 10}, {STABLE: 50, CANARY: 50}
    assert [look(0, ten), look(3, ten), look(1, ten)] == [None, None, ten]
    assert [look(1, fifty), look(3, fifty), look(1, None), look(3, fifty), look(3, fifty)] == [None] * 5
    assert look(1, fifty) == fifty
    assert Settling(lambda: now[0], seconds=4).settled(fifty) is None


def test_backend_that_gets_nothing_may_be_missing():
    """KServe leaves a former canary's in the route; one that gets calls must be there, and nothing else is forgiven."""
    left, divided = route(v1=100, v2=0), route(v1=90, v2=10)
    assert is_accepted(told(left, "ResolvedRefs", "False", "BackendNotFound"))
    assert shares_of([told(left, "ResolvedRefs", "False", "BackendNotFound")] * 2) == {STABLE: 100}
    assert not is_accepted(told(divided, "ResolvedRefs", "False", "BackendNotFound"))
    assert not is_accepted(told(left, "ResolvedRefs", "False", "RefNotPermitted"))
    assert not is_accepted(told(left, "ResolvedRefs", "False", "BackendNotFound", generation=1))


def test_route_without_a_report_is_accepted():
    """Not every gateway reports; of what it does only acceptance and references count."""
    assert is_accepted(route(v1=100))
    assert is_accepted(told(route(v1=100), "Programmed", "False", "Pending"))


@pytest.mark.parametrize("left_first", [True, False])
def test_route_of_a_former_name_is_not_the_predictors(left_first):
    """KServe 0.20 and later ones name it differently, and each leaves the other's behind with the weights of its time."""
    left, living, service = route(v1=1), route(v1=90, v2=10), route(v1=90, v2=10)
    candidates = [left, living] if left_first else [living, left]
    assert living_route(candidates, service) is living
    assert living_route([left, None], service) is left
    assert living_route([None, None], service) is None
    assert shares_of([route(v1=50, v2=50), living_route(candidates, route(v1=50, v2=50))]) is None
    refused = told(route(v1=90, v2=10), "Accepted", "False", "NoMatchingParent")
    assert living_route([refused, living], service) is living
