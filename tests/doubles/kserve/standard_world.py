"""Acts on a service in Standard mode, right and wrong ones, and what comes of them; for the tests of the double."""

import time
from typing import Any

from tests.doubles.kserve.harness import MODELS, SERVICE, StandardHarness, standard_predictor
from tests.doubles.kserve.objects import DEPLOYMENTS, PODS, ROUTES, Object
from tests.doubles.kserve.workloads import HASH, is_ending, is_ready

ROUTE_NAMES = (SERVICE, f"{SERVICE}-predictor")


def predictor(version: str, replicas: int = 2, **fields: Any) -> Object:
    return {**standard_predictor(MODELS[version], replicas), **fields}


def canary(percent: int, version: str = "v2", replicas: int = 2, **fields: Any) -> Object:
    return {"trafficPercent": percent, "predictor": predictor(version, replicas, **fields)}


def workload(version: str) -> str:
    return f"{SERVICE}-{version}-predictor"


class StandardWorld(StandardHarness):
    """A service that can be brought back to rest."""

    def rest(self) -> None:
        """v1 alone with two pods, and the gateway knows."""
        self.kserve.kubelet.faults.clear()
        self.own({"predictor": predictor("v1")})
        self.wait(lambda: self.pods() == {"v1": 2} and self.share("v1") == 1, "not at rest")
        self.wait(self.is_ready)

    def split(self, percent: int, **fields: Any) -> None:
        """A canary beside a stable with as many pods as before."""
        self.own({"predictor": predictor("v1", 4), "canary": [canary(percent, **fields)]})

    def start(self, percent: int = 0) -> None:
        """A ready canary beside the shrunk stable, with its share carried by the gateway."""
        self.split(percent)
        self.wait(lambda: self.pods() == {"v1": 2, "v2": 2}, "no canary")
        self.wait(lambda: self.share("v2") == percent, "no share")

    def pods(self) -> dict[str, int]:
        """Ready pods by the version of their Deployment; with others that are there, none."""
        found = [each for each in self.api.list(PODS, {}) if not is_ending(each)]
        if not all(is_ready(each) for each in found):
            return {}
        names = [each["metadata"]["labels"]["app"].split("-")[-2] for each in found]
        return {name: names.count(name) for name in names}

    def pod_names(self, version: str) -> set[str]:
        found = self.api.list(PODS, {"app": f"isvc.{workload(version)}"})
        return {each["metadata"]["name"] for each in found if not is_ending(each)}

    def share(self, version: str) -> int | None:
        """A version's weight at the gateway, of whatever sum; None when the gateway does not know it."""
        return self.kserve.gateway.weights(time.monotonic()).get(workload(version))

    def weights(self) -> list[dict[str, int]]:
        """Of both routes, by version."""
        rules = [(self.api.get(ROUTES, name) or {})["spec"]["rules"][0]["backendRefs"] for name in ROUTE_NAMES]
        return [{each["name"].split("-")[-2]: each["weight"] for each in backends} for backends in rules]

    def deployment(self, version: str) -> Object | None:
        return self.api.get(DEPLOYMENTS, workload(version))

    def template_hash(self, version: str) -> set[str]:
        found = self.api.list(PODS, {"app": f"isvc.{workload(version)}"})
        return {each["metadata"]["labels"][HASH] for each in found if not is_ending(each)}

    def status(self) -> Object:
        found: Object = self.service()["status"]
        return found

    def condition(self, kind: str) -> str:
        return next((each["status"] for each in self.status()["conditions"] if each["type"] == kind), "")

    def let_pass(self, seconds: float = 0.6) -> None:
        """Some time in which what was done shows."""
        time.sleep(seconds)
