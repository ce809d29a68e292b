"""Acts on a service in Knative mode, right and wrong ones, and what comes of them; for the tests of the double."""

import time

from tests.doubles.kserve.harness import MODELS, KnativeHarness, knative_predictor
from tests.doubles.kserve.objects import REVISIONS, SOURCE_URI, Object
from tests.doubles.kserve.pods import Process
from tests.doubles.kserve.revisions import REVISION


class KnativeWorld(KnativeHarness):
    """A service whose revisions are called by the model they serve."""

    def set(self, version: str, percent: int | None = None) -> None:
        """The model of the newest revision, and its share; None gives up the field."""
        self.own({"predictor": knative_predictor(MODELS[version], percent)})

    def start(self, version: str = "v2", percent: int = 0) -> None:
        """The right way: at 0 until it is ready, then its share."""
        self.set(version, 0)
        self.wait(lambda: self.settled(version, 0), "no canary")
        if percent:
            self.shift(version, percent)

    def shift(self, version: str, percent: int) -> None:
        self.set(version, percent)
        self.wait(lambda: self.settled(version, percent), "no share")

    def promote(self, version: str = "v2") -> None:
        """Everything, and the field given up."""
        self.set(version)
        self.wait(
            lambda: self.settled(version, 100) and self.component("latestRolledoutRevision") == self.newest(), "no promotion"
        )

    def settled(self, version: str, percent: int) -> bool:
        """Whether the newest revision serves that model, is ready, and has that share at the gateway."""
        created, ready = self.component("latestCreatedRevision"), self.component("latestReadyRevision")
        carried = self.kserve.gateway.weights(time.monotonic()).get(created)
        shares = [each["percent"] for each in self.traffic() if each["latestRevision"] and each["revisionName"] == created]
        return created == ready and self.model_of(created) == version and carried == percent and shares == [percent]

    def revisions(self) -> dict[str, Object]:
        return {each["metadata"]["name"]: each for each in self.api.list(REVISIONS, {})}

    def newest(self) -> str:
        return max(self.revisions())

    def model_of(self, revision: str) -> str:
        found = self.revisions().get(revision, {"metadata": {"annotations": {SOURCE_URI: ""}}})
        return str(found["metadata"]["annotations"][SOURCE_URI]).rpartition("/")[2]

    def component(self, name: str) -> str:
        found: str = self.service().get("status", {}).get("components", {}).get("predictor", {}).get(name, "")
        return found

    def traffic(self) -> list[Object]:
        found: list[Object] = self.service().get("status", {}).get("components", {}).get("predictor", {}).get("traffic", [])
        return found

    def shares(self) -> list[tuple[str, int]]:
        """Model and percent of each entry of the status."""
        return [(self.model_of(each["revisionName"]), each["percent"]) for each in self.traffic()]

    def pods(self, revision: str) -> list[Process]:
        return self.processes({REVISION: revision})

    def condition(self, kind: str) -> str:
        conditions = self.service().get("status", {}).get("conditions", [])
        return next((each["status"] for each in conditions if each["type"] == kind), "")

    def trouble(self) -> str:
        """What the predictor's condition says."""
        conditions = self.service().get("status", {}).get("conditions", [])
        found = next((each for each in conditions if each["type"] == "PredictorReady"), {})
        return f"{found.get('reason', '')}: {found.get('message', '').rpartition('.template.spec.')[2]}"

    def let_pass(self, seconds: float = 0.6) -> None:
        """Some time in which what was done shows."""
        time.sleep(seconds)
