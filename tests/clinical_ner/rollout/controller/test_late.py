"""A service that is found when it is first asked for."""

import pytest

from clinical_ner.cli.rollout_targets import OpenedTarget
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.controller.late import LateService
from clinical_ner.rollout.targets import Backend, ModelReference
from tests.clinical_ner.rollout.simulated_service import SimulatedService
from tests.clinical_ner.rollout.stage import NEW, OLD
from tests.clinical_ner.rollout.traffic import Server, Source


def test_service_that_is_not_there_yet_is_looked_for_again():
    """Each question says why it is missing, until it is found; then it is asked, and not looked for any more."""
    service, tries = SimulatedService(stable=Backend("v1", OLD, ready=True)), []

    def find():
        tries.append(len(tries))
        if len(tries) < 3:
            raise ConfigError("no InferenceService ner")
        return OpenedTarget(service, Source({"v1": Server(OLD, requests=9)}))

    late = LateService(find)
    for question in (late.observe, lambda: late.read("v1")):
        with pytest.raises(ConfigError, match="no InferenceService ner"):
            question()
    assert late.observe() == service.observe()
    assert late.read("v1").processes["pod"].requests == 9
    assert len(tries) == 3


def test_obstacle_that_came_later_stops_a_start_and_no_way_back():
    """Weeks after the service was found an overlay may have spoiled it: it is looked at again before anything is started."""
    service, obstacles = SimulatedService(stable=Backend("v1", OLD, ready=True)), []

    def find():
        if obstacles:
            raise ConfigError(obstacles[0])
        return OpenedTarget(service, Source())

    late, model = LateService(find), ModelReference("v2", NEW, "s3://m/v2")
    seen = late.observe()
    obstacles.append("maxUnavailable is 50 %")
    with pytest.raises(ConfigError, match="maxUnavailable"):
        late.start(model, seen)
    assert late.observe().canary is None
    obstacles.clear()
    late.start(model, seen)
    service.settle()
    obstacles.append("maxUnavailable is 50 %")
    late.set_percent(50, late.observe())
    assert service.asked == 50
    late.abort(late.observe())
    assert service.asked == 0


def test_service_is_changed_through_it():
    """Every order reaches it with the observation that it was decided by."""
    service = SimulatedService(stable=Backend("v1", OLD, ready=True))
    late = LateService(lambda: OpenedTarget(service, Source()))
    late.start(ModelReference("v2", NEW, "s3://m/v2"), late.observe())
    service.settle()
    late.set_percent(50, late.observe())
    assert (service.canary.version, service.asked) == ("v2", 50)
    late.abort(late.observe())
    assert service.asked == 0
    late.set_percent(100, late.observe())
    service.settle()
    late.promote(late.observe())
    assert service.stable.version == "v2"
