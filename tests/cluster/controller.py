"""The rollout controller as a Deployment under the account that the manifests give it."""

import time

from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase
from tests.cluster.installation import WAIT_SECONDS, Installation
from tests.manifests.built import Object, of_kind

NAME = "clinical-ner-rollout-controller"
LABELS = {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "rollout-controller"}
ENDS = {Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.FAILED}


def deployment(installation: Installation) -> Object:
    """The manifests' own."""
    return next(each for each in of_kind(installation.objects, "Deployment") if each["metadata"]["name"] == NAME)


class Disturbed:
    """Rollouts whose controller's pod is deleted once in every phase that they go through."""

    def __init__(self, installation: Installation, rollouts: ClusterRollouts) -> None:
        self._installation, self.rollouts = installation, rollouts
        self.deleted: list[Phase] = []

    def pods(self) -> list[str]:
        """Those that were not deleted."""
        selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
        found = self._installation.get("pods", "-l", selector)["items"]
        return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]

    def follow(self, name: str, until: set[Phase]) -> Stored:
        """Look at the rollout without a pause, and delete, until it has come to one of these phases."""
        deadline = time.monotonic() + 2 * WAIT_SECONDS
        while (stored := self.rollouts.read(name)).status.phase not in until | ENDS:
            assert time.monotonic() < deadline, f"{stored.status}\n{self._installation.describe()}"
            if stored.status.phase not in self.deleted:
                self.deleted.append(stored.status.phase)
                self._delete()
            time.sleep(0.05)
        return stored

    def _delete(self) -> None:
        old = self.pods()
        self._installation.kubectl("delete", "pod", "--wait=false", *old)
        self._installation.wait(self.pods, "another controller's pod")
